-- dump/restore.rs::empty: ends what is left of a restore's own sessions, and how many there were
select count(pg_terminate_backend(pid)) from pg_stat_activity
where application_name = $1 and datname = current_database() and pid <> pg_backend_pid()
