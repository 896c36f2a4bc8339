-- webhooks/mod.rs::change: what waits is due at once, for the receiver may have been mended
update webhook_pending set next_at = now() where webhook_id = $1 and next_at > now()
