-- contacts.rs::insert: new contacts, in key order; answers the ones that were made
insert into contact (datasource_id, user_id, contact_id, project_id, attributes, email, phone, created_at, updated_at)
select t.datasource_id, t.user_id, t.contact_id, t.project_id, t.attributes::jsonb, t.email, t.phone, $8, $8
from unnest($1::bigint[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[]) with ordinality
    as t(datasource_id, user_id, contact_id, project_id, attributes, email, phone, n)
order by t.n
on conflict do nothing
returning datasource_id, user_id
