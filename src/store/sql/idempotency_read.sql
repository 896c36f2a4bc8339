-- idempotency.rs::known: the answer that was kept under a token of a key
select fingerprint, status, body from idempotency where key_id = $1 and token = $2
