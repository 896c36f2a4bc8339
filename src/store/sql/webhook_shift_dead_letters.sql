-- webhooks/mod.rs::shift: and those of what was given up
update webhook_dead_letter set epoch = epoch + $1
