-- epochs.rs::standing_of: an epoch, the newest one, whether this cluster opened that one, and the next transaction id
select asked.n is not null, asked.moved_to, newest.n,
       (newest.system_identifier, newest.timeline)
           = (c.system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int),
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint
from pg_control_system() c
left join epoch asked on asked.n = $1
left join lateral (select * from epoch order by n desc limit 1) newest on true
