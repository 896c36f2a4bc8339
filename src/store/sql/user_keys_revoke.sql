-- users.rs::disable: end the keys of a user
update key set revoked_at = now() where user_id = $1 and deleted_at is null and revoked_at is null
returning id, kind, prefix
