-- sealed.rs::reseal: empty the texts of keys that have ended; nobody can ask for them
update key set sealed = '' where sealed <> '' and (revoked_at is not null or deleted_at is not null)
