-- retention/floor.rs::walk: let the stream of a project begin behind a position; never earlier than it did
insert into retention_floor as f (project_id, epoch, tx, id) values ($1, $2, $3::text::xid8, $4)
on conflict (project_id) do update set epoch = excluded.epoch, tx = excluded.tx, id = excluded.id
where (f.epoch, f.tx, f.id) < (excluded.epoch, excluded.tx, excluded.id)
