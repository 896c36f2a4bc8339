-- projects.rs::delete: delete a project, its datasources and all keys to them; what they hold goes behind this
with gone as (
    update project set deleted_at = now(), updated_at = now() where uid = $1 and deleted_at is null
    returning id
), inlets as (
    update datasource set deleted_at = now(), updated_at = now()
    where project_id in (select id from gone) and deleted_at is null
), keys as (
    update key set deleted_at = now()
    where deleted_at is null and (project_id in (select id from gone)
        or datasource_id in (select d.id from datasource d where d.project_id in (select id from gone)))
)
select id from gone
