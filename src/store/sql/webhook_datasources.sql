-- webhooks/mod.rs::rows_of: the datasources of these uids that a project has
select id, uid from datasource where project_id = $1 and uid = any ($2::text[]) and deleted_at is null order by id
