-- conversations.rs::events: some events of some conversations, by their ids
select e.id, e.event_id, e.parameters::text
from event e
where e.project_id = $1
  and hashtextextended(e.parameters ->> 'conversation_id', e.project_id) = any (array(select hashtextextended(c, $1) from unnest($2::text[]) c))
  and e.type in ('conversation_opened', 'conversation_message', 'conversation_closed') and e.kind = 'e'
  and e.received_at >= $3 and e.received_at <= $4 and e.id = any ($5::bigint[])
