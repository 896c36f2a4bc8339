-- webhooks/record.rs::again: whoever delivers learns of it by the generation
update webhook set generation = generation + 1 where id = $1
