-- webhooks/work.rs::release: let another node deliver
update webhook set node = null, leased_until = null where id = $1 and node = $2
