-- idempotency.rs::keep: keep an answer for those that repeat the request
insert into idempotency (key_id, token, fingerprint, status, body, created_at) values ($1, $2, $3, $4, $5, $6)
