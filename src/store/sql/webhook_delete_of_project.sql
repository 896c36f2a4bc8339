-- webhooks/mod.rs::delete_of_project: remove the endpoints of a project that is deleted
delete from webhook where project_id = $1 returning id
