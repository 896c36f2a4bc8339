-- conversations.rs::closed: the conversations of a project with a closing that happened within a span and was received within a stretch: of each the closing that was received first, and how many closings were looked at in all
with closings as materialized (
    select e.parameters ->> 'conversation_id' as conversation, e.received_at, e.id
    from event e
    where e.project_id = $1 and e.type = 'conversation_closed' and e.kind = 'e'
      and e.occurred_at >= $2 and e.occurred_at < $3 and e.received_at >= $4 and e.received_at < $5
      and e.datasource_id = any (array(select id from datasource where project_id = $1 and deleted_at is null))
      and e.parameters ->> 'conversation_id' <> ''
    limit $6
)
select distinct on (conversation) conversation, received_at, id, (select count(*) from closings)
from closings
order by conversation, received_at, id
