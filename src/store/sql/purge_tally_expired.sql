-- purge/rest.rs::claims: take from the tally what retention had removed before
update tally set events = events - expired, expired = 0 where datasource_id = $1
