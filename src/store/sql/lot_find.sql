-- fate.rs::fate: the transaction of a lot, if it was committed; a purge may have emptied it since
select tx::text::bigint from lot
where project_id = $1 and epoch = $2 and tx >= $3::text::xid8 and first_id = $4 and last_id = $5 and datasource_id = $6
  and (id_sum = $7 or events = 0 and contacts = 0) and received_at = $8
