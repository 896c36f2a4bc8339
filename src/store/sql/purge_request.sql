-- purge/mod.rs::begin: ask for a purge of all that is committed or under way now; one that is there already begins anew
insert into purge (datasource_id, project_id, requested_at, epoch, tx)
select d.id, d.project_id, $2, (select coalesce(max(n), 0) from epoch), pg_snapshot_xmax(pg_current_snapshot())
from datasource d where d.uid = $1 and d.deleted_at is null
on conflict (datasource_id) do update set
    requested_at = excluded.requested_at, epoch = excluded.epoch, tx = excluded.tx, phase = 'lots', at_epoch = 0, at_tx = '0',
    at_claim = '00000000-0000-0000-0000-000000000000', at_user = '', shell_epoch = null, shell_tx = null
returning datasource_id
