-- lots.rs::claim_new: claims on event ids that are taken for new, in key order so that two lanes cannot deadlock
copy event_key (datasource_id, claim, content, given_date, claimed_at) from stdin (format binary)
