-- specs.rs::lock: keep others from changing a project's specs, and let the poll of every node see the project anew
update project set updated_at = now() where uid = $1 and deleted_at is null
returning id
