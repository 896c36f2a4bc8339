-- users.rs::see: stamp the keys of a user, so that every node learns what its user sees now
update key set name = name where user_id = $1 and deleted_at is null and revoked_at is null
