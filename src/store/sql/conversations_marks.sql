-- conversations.rs::marks: what is known of the events of some conversations without reading them, of what was received within a stretch; of each the last $5 that happened
select w.at::int, e.id, e.received_at, e.occurred_at, e.type, e.datasource_id, e.user_id
from unnest($2::text[]) with ordinality as w (conversation, at)
cross join lateral (
    select * from event e
    where e.project_id = $1 and hashtextextended(e.parameters ->> 'conversation_id', e.project_id) = hashtextextended(w.conversation, $1)
      and e.type in ('conversation_opened', 'conversation_message', 'conversation_closed') and e.kind = 'e'
      and e.parameters ->> 'conversation_id' = w.conversation
      and e.received_at >= $3 and e.received_at < $4
      and e.datasource_id = any (array(select id from datasource where project_id = $1 and deleted_at is null))
    order by e.occurred_at desc, e.received_at desc, e.id desc limit $5
) e
