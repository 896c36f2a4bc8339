-- datasources.rs::first: whether a project has a datasource
select exists (select from datasource where project_id = $1 and deleted_at is null)
