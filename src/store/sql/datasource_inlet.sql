-- datasources.rs::inlet: the rows of a datasource and of its project
select p.id, d.id from datasource d join project p on p.id = d.project_id
where d.uid = $1 and d.deleted_at is null and p.deleted_at is null
