-- purge/lots.rs::window: the next lots of a datasource within a stretch of its project's
select l.epoch, l.tx::text, l.first_id, l.last_id, l.events, l.contacts, l.received_at, l.datasource_id from lot l
where l.project_id = $1 and l.datasource_id = $2
  and (l.epoch, l.tx) >= ($3, $4::text::xid8) and (l.epoch, l.tx) < ($5, $6::text::xid8)
order by l.epoch, l.tx, l.first_id limit $7::bigint for update
