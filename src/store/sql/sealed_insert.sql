-- sealed.rs::put: make the live key of a kind that a project has one of
insert into key (id, kind, hash, prefix, name, scopes, sealed, organization_id, project_id, created_by, replaces)
select $1, $2, $3, $4, $5, $6::text[], $7, organization_id, id, $9, $10
from project
where uid = $8
returning created_at
