-- purge/lots.rs::window: the end of the next stretch of a project's lots; no row where it is the last
select l.epoch, l.tx::text from lot l
where l.project_id = $1 and (l.epoch, l.tx) >= ($2, $3::text::xid8) and (l.epoch, l.tx) < ($4, $5::text::xid8)
order by l.epoch, l.tx, l.first_id offset $6::bigint limit 1
