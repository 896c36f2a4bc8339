-- datasources.rs::delete: delete a datasource and its keys; what it holds goes behind this
with gone as (
    update datasource set deleted_at = now(), updated_at = now() where uid = $1 and deleted_at is null
    returning id
), keys as (
    update key set deleted_at = now() where datasource_id in (select id from gone) and deleted_at is null
)
select id from gone
