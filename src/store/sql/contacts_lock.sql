-- contacts.rs::lock: contacts as they stand, locked in key order
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text
from contact c
where (c.datasource_id, c.user_id) in (select * from unnest($1::bigint[], $2::text[]))
order by c.datasource_id, c.user_id
for update
