-- epochs.rs::standing: the newest epoch, what the cluster says of itself, and the newest transaction the epoch's lots hold
select e.n, e.system_identifier, e.timeline,
       c.system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
       (select max(newest.tx::text::bigint)
          from project p
          cross join lateral (select tx from lot where project_id = p.id and epoch = e.n order by tx desc limit 1) newest)
from pg_control_system() c left join lateral (select * from epoch order by n desc limit 1) e on true
