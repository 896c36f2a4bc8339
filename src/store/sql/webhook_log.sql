-- webhooks/record.rs::log: write down attempts
insert into webhook_delivery (webhook_id, at, message, type, attempt, status, latency_ms, error)
select $1, a.at, a.message, a.type, a.attempt, a.status, a.latency_ms, a.error
from unnest($2::timestamptz[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::text[])
     with ordinality as a (at, message, type, attempt, status, latency_ms, error, place)
order by a.place
