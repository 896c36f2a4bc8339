-- projects.rs::delete: delete the datasources of a project that is deleted, in a statement of its own: it sees those for whose
-- making the deletion waited
update datasource set deleted_at = now(), updated_at = now() where project_id = $1 and deleted_at is null
