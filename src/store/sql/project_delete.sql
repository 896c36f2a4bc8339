-- projects.rs::delete: delete a project; what it holds goes behind this
update project set deleted_at = now(), updated_at = now() where uid = $1 and deleted_at is null
returning id
