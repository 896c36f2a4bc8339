-- datasources.rs::list: the datasources that exist, of one project or of all
select d.uid, d.name, p.uid, p.name, d.plan, d.strict, d.default_country, d.limits::text, d.created_at, d.priority, d.updated_at
from datasource d join project p on p.id = d.project_id
where d.deleted_at is null and p.deleted_at is null and ($1::text is null or p.uid = $1)
order by d.id
