-- webhooks/work.rs::leave: a node delivers no more
delete from webhook_node where node = $1
