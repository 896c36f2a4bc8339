-- contacts.rs::update: changed contacts, already locked; one that was deleted and made again has a new id and birthday
update contact c
set attributes = t.attributes::jsonb, email = t.email, phone = t.phone, updated_at = $7, contact_id = t.contact_id,
    created_at = case when c.contact_id = t.contact_id then c.created_at else $7 end
from unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[])
    as t(datasource_id, user_id, contact_id, attributes, email, phone)
where c.datasource_id = t.datasource_id and c.user_id = t.user_id
