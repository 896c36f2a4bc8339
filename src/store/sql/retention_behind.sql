-- retention/rows.rs::behind: projects with lots before where their streams begin that can be removed now: those of the longest retention once their day is dropped, before $1
with longest as (
    select case when count(*) = count(p.retention_days) then max(p.retention_days) end as days
    from project p
    where p.deleted_at is null or exists (select from datasource d where d.project_id = p.id and d.purged_at is null)
)
select f.project_id
from retention_floor f
join project p on p.id = f.project_id
cross join longest g
cross join lateral (
    select l.received_at from lot l
    where l.project_id = f.project_id and (l.epoch, l.tx) >= (f.at_epoch, f.at_tx)
      and (l.epoch, l.tx, l.first_id) <= (f.epoch, f.tx, f.id)
    order by l.epoch, l.tx, l.first_id limit 1
) next
where p.retention_days is distinct from g.days or next.received_at < $1
order by f.project_id
