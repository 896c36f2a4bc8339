-- purge/rest.rs::forget_usage: what was asked of a datasource in all
delete from usage_total where datasource_id = $1
