-- purge/rest.rs::step: the tally of a datasource that holds nothing any more
delete from tally where datasource_id = $1 and events = 0 and contacts = 0
