-- projects.rs::delete: delete the keys to a project that is deleted and to its datasources, in a statement of its own
update key set deleted_at = now(), sealed = case when sealed is not null then ''::bytea end
where deleted_at is null
  and (project_id = $1 or datasource_id in (select id from datasource where project_id = $1))
returning id, kind, prefix
