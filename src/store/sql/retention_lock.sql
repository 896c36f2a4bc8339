-- retention/rows.rs::step: how far the old lots of a project are removed, where its stream begins, how far it is tallied, and whether it is of the longest retention; locked, no row while another worker is at it
with longest as (
    select case when count(*) = count(p.retention_days) then max(p.retention_days) end as days
    from project p
    where p.deleted_at is null or exists (select from datasource d where d.project_id = p.id and d.purged_at is null)
)
select f.at_epoch, f.at_tx::text, f.epoch, f.tx::text, t.epoch, t.tx::text, coalesce(p.retention_days = g.days, false)
from retention_floor f
join tally_position t on t.project_id = f.project_id
join project p on p.id = f.project_id
cross join longest g
where f.project_id = $1 for update of f, t skip locked
