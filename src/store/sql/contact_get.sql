-- contacts.rs::get: one stored contact
select contact_id, attributes::text, created_at, updated_at from contact where datasource_id = $1 and user_id = $2
