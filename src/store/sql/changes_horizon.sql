-- changes.rs::since: everything below this transaction id is settled, and which session says so; read before the rows, so that a slow commit is read again
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pid, backend_start
from pg_stat_activity where pid = pg_backend_pid()
