-- contacts.rs::update: changed contacts, already locked
update contact c
set attributes = t.attributes::jsonb, email = t.email, phone = t.phone, updated_at = $6
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) as t(datasource_id, user_id, attributes, email, phone)
where c.datasource_id = t.datasource_id and c.user_id = t.user_id
