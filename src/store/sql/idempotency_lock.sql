-- idempotency.rs::known: claim a token of a key until the end of the transaction, unless another one has it
select pg_try_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 0))
