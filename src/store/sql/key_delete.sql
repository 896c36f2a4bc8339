-- keys.rs::end: take a key off every list; the row stays as a tombstone, so that other nodes learn of it
update key set deleted_at = now(), sealed = case when sealed is not null then ''::bytea end
where id = $1 and deleted_at is null
returning kind, prefix
