-- projects.rs::list: the projects that exist
select p.id, p.uid, p.name, p.locale, p.timezone, p.limits::text, p.created_at, p.updated_at, p.retention_days
from project p where p.deleted_at is null order by p.id
