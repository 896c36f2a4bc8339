-- dump/backup.rs::backup: a name for this transaction's snapshot, for another session to read by
select pg_export_snapshot()
