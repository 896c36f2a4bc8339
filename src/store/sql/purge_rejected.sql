-- purge/rest.rs::forget_usage: refused items of a datasource
delete from rejected_item where datasource_id = $1
