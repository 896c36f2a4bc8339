-- purge/rest.rs::step: the purge is complete
delete from purge where datasource_id = $1
