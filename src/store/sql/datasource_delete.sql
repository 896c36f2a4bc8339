-- datasources.rs::delete: delete a datasource; what it holds goes behind this
update datasource set deleted_at = now(), updated_at = now() where uid = $1 and deleted_at is null
returning id
