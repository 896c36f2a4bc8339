-- keys.rs::end: disable a key; the row stays
update key set revoked_at = coalesce(revoked_at, now()) where id = $1 and deleted_at is null
returning kind, prefix
