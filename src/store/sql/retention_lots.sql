-- retention/rows.rs::step: the next lots of a project between two positions, locked: a purge may be at those of a datasource
select l.epoch, l.tx::text, l.first_id, l.last_id, l.events, l.contacts, l.received_at, l.datasource_id
from lot l
where l.project_id = $1 and (l.epoch, l.tx) >= ($2, $3::text::xid8) and (l.epoch, l.tx) < ($4, $5::text::xid8)
order by l.epoch, l.tx, l.first_id limit $6::bigint for update
