-- conversations.rs::people: some contacts by their senders' ids
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text, c.created_at, c.updated_at
from unnest($1::bigint[], $2::text[]) as w (datasource_id, user_id)
join contact c on c.datasource_id = w.datasource_id and c.user_id = w.user_id
