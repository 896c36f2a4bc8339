-- purge/lots.rs::remove_rows: rows of some lots within one stretch of ids, and the claims of the events among them, as claim.rs makes them
with gone as (
    delete from event e
    using unnest($2::bigint[], $3::bigint[], $4::timestamptz[]) as l(first_id, last_id, received_at)
    where e.id between $5 and $6 and e.received_at between $7 and $8 and e.datasource_id = $1
      and e.received_at = l.received_at and e.id between l.first_id and l.last_id
    returning e.event_id
), released as (
    delete from event_key k
    using (select encode(substring(sha256(convert_to(event_id, 'UTF8')) for 16), 'hex')::uuid as claim
           from gone where event_id is not null) g
    where k.datasource_id = $1 and k.claim = g.claim
)
select count(*) from gone
