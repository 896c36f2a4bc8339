-- lots.rs::ask_newest: a transaction id at or after everything this statement can see
select pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1
