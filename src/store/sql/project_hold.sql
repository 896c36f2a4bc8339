-- keys.rs::insert: keep a project, or the one around a datasource, from being deleted until its new key is there to be ended with it
select id from project
where deleted_at is null and (uid = $1 or id = (select project_id from datasource where uid = $2))
for share
