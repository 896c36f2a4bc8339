-- erase.rs::empty: empty rows of one day at places found before, if they still are of the contact and hold anything
update event e set parameters = '{}'
where e.received_at >= $3 and e.received_at < $4 and e.ctid = any ($5::text[]::tid[])
  and e.user_id = $2 and e.datasource_id = $1 and e.parameters::text <> '{}'
