-- sealed.rs::begin: wait until nobody else seals, and keep others waiting until this transaction ends
select pg_advisory_xact_lock($1)
