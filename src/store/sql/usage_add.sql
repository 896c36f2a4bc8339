-- usage.rs::add: add what was gathered since the last time, by the minute and to the totals
with gathered as (
    select * from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                         $8::bigint[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
        as t(datasource_id, minute, calls_success, calls_failures, entities_success, entities_failures, contacts, events,
             last_success_at, last_failure_at, last_contact_at, last_event_at)
), minutes as (
    insert into usage_minute as u
    select datasource_id, minute, calls_success, calls_failures, entities_success, entities_failures, contacts, events
    from gathered order by datasource_id, minute
    on conflict (datasource_id, minute) do update set
        calls_success = u.calls_success + excluded.calls_success,
        calls_failures = u.calls_failures + excluded.calls_failures,
        entities_success = u.entities_success + excluded.entities_success,
        entities_failures = u.entities_failures + excluded.entities_failures,
        contacts = u.contacts + excluded.contacts,
        events = u.events + excluded.events
)
insert into usage_total as u
select datasource_id, sum(calls_success), sum(calls_failures), sum(entities_success), sum(entities_failures), sum(contacts),
       sum(events), max(last_success_at), max(last_failure_at), max(last_contact_at), max(last_event_at)
from gathered group by datasource_id order by datasource_id
on conflict (datasource_id) do update set
    calls_success = u.calls_success + excluded.calls_success,
    calls_failures = u.calls_failures + excluded.calls_failures,
    entities_success = u.entities_success + excluded.entities_success,
    entities_failures = u.entities_failures + excluded.entities_failures,
    contacts = u.contacts + excluded.contacts,
    events = u.events + excluded.events,
    last_success_at = greatest(u.last_success_at, excluded.last_success_at),
    last_failure_at = greatest(u.last_failure_at, excluded.last_failure_at),
    last_contact_at = greatest(u.last_contact_at, excluded.last_contact_at),
    last_event_at = greatest(u.last_event_at, excluded.last_event_at)
