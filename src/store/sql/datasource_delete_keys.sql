-- datasources.rs::delete: delete the keys to a datasource that is deleted, in a statement of its own: it sees those for whose making
-- the deletion waited
update key set deleted_at = now() where datasource_id = $1 and deleted_at is null
returning id, kind, prefix
