-- sealed.rs::lock: the same for a whole session
select pg_advisory_lock($1)
