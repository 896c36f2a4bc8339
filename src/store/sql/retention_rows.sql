-- retention/rows.rs::remove_rows: rows of some lots within one stretch of ids; the claims on their ids stay
with gone as (
    delete from event e
    using unnest($2::bigint[], $3::bigint[], $4::timestamptz[]) as l(first_id, last_id, received_at)
    where e.id between $5 and $6 and e.received_at between $7 and $8 and e.project_id = $1
      and e.received_at = l.received_at and e.id between l.first_id and l.last_id
    returning 1
)
select count(*) from gone
