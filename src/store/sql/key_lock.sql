-- keys.rs::rotate: how a key stands, kept as it is until the end of the transaction
select kind, prefix, revoked_at, expires_at, rotated_at from key where id = $1 and deleted_at is null for update
