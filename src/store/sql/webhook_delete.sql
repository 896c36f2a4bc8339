-- webhooks/mod.rs::delete: remove an endpoint with all that waits for it
delete from webhook where id = $1
