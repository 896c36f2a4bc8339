-- audience.rs::by_user: the contact of a project that senders call this; a project has few datasources, so the primary key is asked for each
with found as materialized (
    select d.id, d.priority from datasource d
    where d.project_id = $1 and d.deleted_at is null
      and exists (select from contact c where c.datasource_id = d.id and c.user_id = $2)
)
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text, c.created_at, c.updated_at,
       least((select count(*) from found), $3)
from contact c
where c.datasource_id = (select id from found order by priority, id limit 1) and c.user_id = $2
