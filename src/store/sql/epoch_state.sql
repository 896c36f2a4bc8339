-- epochs.rs::standing: the newest epoch, what the cluster says of itself, and the newest transaction that lots of the epoch hold, or held before they were past their retention
select e.n, e.system_identifier, e.timeline,
       c.system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
       (select max(newest.tx::text::bigint)
          from (select l.tx from project p
                  cross join lateral (select tx from lot where project_id = p.id and epoch = e.n order by tx desc limit 1) l
                union all select f.tx from retention_floor f where f.epoch = e.n) newest)
from pg_control_system() c left join lateral (select * from epoch order by n desc limit 1) e on true
