-- keys.rs::insert: make a key bound to a datasource, a project or a user, or to the whole organization
insert into key (id, kind, hash, prefix, name, scopes, organization_id, project_id, datasource_id, created_by,
                 description, role, sealed, user_id, expires_at)
select $1, $2, $3, $4, $5, $6::text[], o.id, p.id, d.id, $9, $10, $11, $12, u.id, $14
from organization o
left join project p on p.uid = $7 and p.deleted_at is null
left join datasource d on d.uid = $8 and d.deleted_at is null and (p.id is null or d.project_id = p.id)
left join app_user u on u.uid = $13 and u.disabled_at is null
where ($7::text is null or p.id is not null) and ($8::text is null or d.id is not null)
  and ($13::text is null or u.id is not null)
returning id
