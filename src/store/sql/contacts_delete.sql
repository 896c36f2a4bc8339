-- contacts.rs::delete: contacts that go, already locked
delete from contact c
using unnest($1::bigint[], $2::text[]) as t(datasource_id, user_id)
where c.datasource_id = t.datasource_id and c.user_id = t.user_id
