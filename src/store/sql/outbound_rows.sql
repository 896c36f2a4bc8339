-- outbound.rs::rows: the rows of some lots, in their order; by the time of the lots first, for that is what the log lies in the order of
with near as materialized (
    select id, datasource_id, kind, type, user_id, event_id, occurred_at, received_at, parameters from event
    where received_at >= $2 and received_at <= $3 and id >= $4 and id <= $5 and project_id = $1
      and ($6 or type = any ($7::text[]) or type ^@ any ($8::text[]))
)
select l.at::int, n.id, n.kind, n.type, d.uid, n.user_id, n.event_id, n.occurred_at, n.received_at, n.parameters::text
from near n
join unnest($9::timestamptz[], $10::bigint[], $11::bigint[]) with ordinality as l (received_at, first_id, last_id, at)
    on n.received_at = l.received_at and n.id between l.first_id and l.last_id
join datasource d on d.id = n.datasource_id
order by l.at, n.id limit $12
