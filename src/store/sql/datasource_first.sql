-- datasources.rs::first: hold a project that is there, so that its first datasource is made once
select id from project where uid = $1 and deleted_at is null for update
