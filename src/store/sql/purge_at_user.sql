-- purge/rest.rs::contacts: note how far the contacts are gone
update purge set at_user = $2 where datasource_id = $1
