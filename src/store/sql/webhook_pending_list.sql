-- webhooks/work.rs::open: what waits for an endpoint
select epoch, tx, item, attempts, next_at, received_at, by_hand from webhook_pending
where webhook_id = $1
order by epoch, tx, item
