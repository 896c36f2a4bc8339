-- contacts.rs::read: contacts as they stand, without a lock
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text
from unnest($1::bigint[], $2::text[]) as t(datasource_id, user_id)
join contact c on c.datasource_id = t.datasource_id and c.user_id = t.user_id
