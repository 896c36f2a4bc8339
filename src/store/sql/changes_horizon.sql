-- changes.rs::since: everything below this transaction id is settled; read before the rows, so that a slow commit is read again
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint
