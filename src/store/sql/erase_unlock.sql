-- erase.rs::in_session: the next erasure of the contact may begin
select pg_advisory_unlock(hashint8($1), hashtext($2))
