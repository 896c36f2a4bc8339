-- lane.rs::open: the process that serves this connection, and a transaction id at or before all that it may yet be given
select pid, backend_start, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
from pg_stat_activity where pid = pg_backend_pid()
