-- erase.rs::empty_some: empty some of the rows of one day about one contact that hold anything; they keep everything else
update event e set parameters = '{}'
where e.received_at >= $3 and e.received_at < $4 and e.ctid = any (array(
    select f.ctid from event f
    where f.received_at >= $3 and f.received_at < $4
      and hashtextextended(f.user_id, f.datasource_id) = hashtextextended($2, $1)
      and f.user_id = $2 and f.datasource_id = $1 and f.parameters::text <> '{}'
    limit $5::bigint
))
