-- webhooks/work.rs::keep: messages that are given up
insert into webhook_dead_letter (webhook_id, at, epoch, tx, item, type, attempts, status, error)
select $1, m.at, m.epoch, m.tx, m.item, m.type, m.attempts, m.status, m.error
from unnest($2::timestamptz[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::int[], $8::int[], $9::text[])
     as m (at, epoch, tx, item, type, attempts, status, error)
on conflict (webhook_id, epoch, tx, item) do update set
    at = excluded.at, attempts = excluded.attempts, status = excluded.status, error = excluded.error
