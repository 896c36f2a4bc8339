-- keys.rs::insert: keep a datasource from being deleted until its new key is there to be ended with it
select id from datasource where uid = $1 and deleted_at is null for share
