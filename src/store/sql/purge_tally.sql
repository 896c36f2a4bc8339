-- purge/lots.rs::step: take what is gone from the tally
update tally set events = events - $2, contacts = contacts - $3 where datasource_id = $1
