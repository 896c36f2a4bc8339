-- outbound.rs::since: the first lot of a project
select l.epoch, l.tx::text::bigint, l.received_at from lot l
where l.project_id = $1 order by l.epoch, l.tx, l.first_id limit 1
