-- webhooks/record.rs::rewind: move an endpoint to a position; whoever delivers learns of it by the generation
update webhook set epoch = $2, tx = $3, item = $4, skipped_at = null, generation = generation + 1, course = course + 1 where id = $1
