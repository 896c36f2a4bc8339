-- webhooks/record.rs::rewind: what waits and comes again behind that position, and what lies ahead of it no more
delete from webhook_pending where webhook_id = $1 and (epoch, tx, item) > ($2, $3, $4)
