-- purge/rest.rs::forget_usage: what was asked of a datasource in the running minute
delete from usage_minute where datasource_id = $1 and minute >= date_trunc('minute', $2::timestamptz)
