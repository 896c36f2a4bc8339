-- keys.rs::insert: make a key bound to a datasource, to a project, or to the whole organization
insert into key (id, kind, hash, prefix, name, scopes, organization_id, project_id, datasource_id, created_by)
select $1, $2, $3, $4, $5, $6::text[], o.id, p.id, d.id, $9
from organization o
left join project p on p.uid = $7 and p.deleted_at is null
left join datasource d on d.uid = $8 and d.deleted_at is null and (p.id is null or d.project_id = p.id)
where ($7::text is null or p.id is not null) and ($8::text is null or d.id is not null)
returning id
