-- horizon.rs::age: seconds since the oldest open write transaction of the cluster began, prepared ones included; 0 when there is none
select coalesce(extract(epoch from clock_timestamp() - min(began)), 0)::double precision
from (select xact_start as began from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
      union all select prepared from pg_prepared_xacts) open
