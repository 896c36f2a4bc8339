-- audience.rs::by_id: the contact of a project with this id of its own
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text, c.created_at, c.updated_at, 1::bigint
from contact c join datasource d on d.id = c.datasource_id
where c.contact_id = $2 and c.project_id = $1 and d.deleted_at is null
