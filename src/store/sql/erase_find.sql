-- erase.rs::find: where rows of one day about one contact stand that hold anything, as `(page,place)`
select f.ctid::text from event f
where f.received_at >= $3 and f.received_at < $4
  and hashtextextended(f.user_id, f.datasource_id) = hashtextextended($2, $1)
  and f.user_id = $2 and f.datasource_id = $1 and f.parameters::text <> '{}'
limit $5::bigint
