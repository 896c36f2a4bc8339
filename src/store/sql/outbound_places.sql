-- outbound.rs::rows: as `outbound_rows`, between two places of the table of their day; and how many rows of all types are there, those beyond the limit too
with near as materialized (
    select id, datasource_id, kind, type, user_id, event_id, occurred_at, received_at, parameters from event
    where ctid >= $13::text::tid and ctid < $14::text::tid and received_at >= $2 and received_at <= $3
      and id >= $4 and id <= $5 and project_id = $1
      and ($6 or type = any ($7::text[]) or type ^@ any ($8::text[]))
)
select f.at::int, f.id, f.kind, f.type, f.uid, f.user_id, f.event_id, f.occurred_at, f.received_at, f.parameters, coalesce(c.rows, f.matched)
from (
    select case when not $6 then (
        select count(*) from event e
        join unnest($9::timestamptz[], $10::bigint[], $11::bigint[]) as l (received_at, first_id, last_id)
            on e.received_at = l.received_at and e.id between l.first_id and l.last_id
        where e.ctid >= $13::text::tid and e.ctid < $14::text::tid and e.received_at >= $2 and e.received_at <= $3
          and e.project_id = $1
    ) end as rows
) c
left join (
    select l.at, n.id, n.kind, n.type, d.uid, n.user_id, n.event_id, n.occurred_at, n.received_at, n.parameters::text as parameters,
           count(*) over () as matched
    from near n
    join unnest($9::timestamptz[], $10::bigint[], $11::bigint[]) with ordinality as l (received_at, first_id, last_id, at)
        on n.received_at = l.received_at and n.id between l.first_id and l.last_id
    join datasource d on d.id = n.datasource_id
    order by l.at, n.id limit $12
) f on true
order by f.at, f.id
