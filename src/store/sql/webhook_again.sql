-- webhooks/record.rs::again: let one message be sent again now
insert into webhook_pending (webhook_id, epoch, tx, item, attempts, next_at, received_at, by_hand)
values ($1, $2, $3, $4, 0, $5, $6, true)
on conflict (webhook_id, epoch, tx, item) do update set attempts = 0, next_at = excluded.next_at
