-- keys.rs::end: disable a key; the row stays, and a text that could be shown is emptied
update key set revoked_at = coalesce(revoked_at, now()), sealed = case when sealed is not null then ''::bytea end
where id = $1 and deleted_at is null
returning kind, prefix
