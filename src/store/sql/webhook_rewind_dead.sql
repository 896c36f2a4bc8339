-- webhooks/record.rs::rewind: what was given up and comes again behind that position
delete from webhook_dead_letter where webhook_id = $1 and (epoch, tx, item) > ($2, $3, $4)
