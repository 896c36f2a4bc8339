-- webhooks/work.rs::keep: messages that are to be sent again
insert into webhook_pending (webhook_id, epoch, tx, item, attempts, next_at, received_at, by_hand)
select $1, m.epoch, m.tx, m.item, m.attempts, m.next_at, m.received_at, m.by_hand
from unnest($2::int[], $3::bigint[], $4::bigint[], $5::int[], $6::timestamptz[], $7::timestamptz[], $8::boolean[])
     as m (epoch, tx, item, attempts, next_at, received_at, by_hand)
on conflict (webhook_id, epoch, tx, item) do update set attempts = excluded.attempts, next_at = excluded.next_at
