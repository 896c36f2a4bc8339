-- purge/rest.rs::contacts: all contacts are gone
update purge set phase = 'rest' where datasource_id = $1
