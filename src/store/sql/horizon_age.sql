-- horizon.rs::age: seconds since the oldest open write transaction of the cluster began, 0 when there is none
select coalesce(extract(epoch from max(clock_timestamp() - xact_start)), 0)::double precision
from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
