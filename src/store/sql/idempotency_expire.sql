-- idempotency.rs::expire: forget answers that were kept for a day
delete from idempotency where created_at < $1
