-- webhooks/work.rs::disable: the receiver wants no more
update webhook set enabled = false, disabled_reason = $4, node = null, leased_until = null, generation = generation + 1, updated_at = now()
where id = $1 and node = $2 and course = $3
returning id
