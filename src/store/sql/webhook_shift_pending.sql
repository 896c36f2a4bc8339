-- webhooks/mod.rs::shift: and those of what waits
update webhook_pending set epoch = epoch + $1
