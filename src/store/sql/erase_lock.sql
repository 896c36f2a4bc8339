-- erase.rs::in_session: one erasure of a contact at a time; two keys, so that no lock of one key is met
select pg_advisory_lock(hashint8($1), hashtext($2))
