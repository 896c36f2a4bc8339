-- outbound.rs::since: the first lot of a project
select epoch, tx::text::bigint, received_at from lot where project_id = $1 order by epoch, tx, first_id limit 1
