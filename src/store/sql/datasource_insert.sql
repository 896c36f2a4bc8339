-- datasources.rs::create: make a datasource in a project
insert into datasource (project_id, uid, name, plan, strict, default_country)
select p.id, $2, $3, $4, $5, $6 from project p where p.uid = $1 and p.deleted_at is null
returning id, project_id
