-- datasources.rs::insert: make a datasource in a project
insert into datasource (project_id, uid, name, plan, strict, default_country)
select p.id, $2, $3, $4, $5, $6 from project p where p.uid = $1 and p.deleted_at is null
for share of p
returning id, project_id, uid, name, type, priority, plan, strict, default_country, limits::text, created_at, updated_at,
          deleted_at is not null, closed_at is not null
