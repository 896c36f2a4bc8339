-- keys.rs::rename: correct the name of a key
update key set name = $2 where id = $1 and deleted_at is null
returning kind, prefix
