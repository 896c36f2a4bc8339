-- audience.rs::by_email: the contact of a project with this e-mail address that comes first, and how many have it
with found as materialized (
    select c.datasource_id, c.user_id, c.updated_at, d.priority
    from contact c join datasource d on d.id = c.datasource_id
    where c.project_id = $1 and c.email = $2 and d.deleted_at is null
), first as (
    select datasource_id, user_id from found order by priority, datasource_id, updated_at desc, user_id limit 1
)
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text, c.created_at, c.updated_at,
       (select count(*) from found)
from first join contact c on c.datasource_id = first.datasource_id and c.user_id = first.user_id
