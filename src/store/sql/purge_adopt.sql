-- purge/mod.rs::open: ask for a purge of datasources that were deleted, or whose project was, a minute ago or longer; not before a lane has settled which epoch this cluster is in
insert into purge (datasource_id, project_id, requested_at, epoch, tx)
select d.id, d.project_id, $1, (select coalesce(max(n), 0) from epoch), pg_snapshot_xmax(pg_current_snapshot())
from datasource d join project p on p.id = d.project_id
where d.purged_at is null and least(d.deleted_at, p.deleted_at) < $1::timestamptz - interval '1 minute'
  and exists (select from pg_control_system() c join epoch e on e.n = (select max(n) from epoch)
              where e.system_identifier = c.system_identifier
                and e.timeline = ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int)
on conflict do nothing
