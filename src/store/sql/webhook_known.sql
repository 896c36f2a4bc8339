-- webhooks/mod.rs::page: whether the endpoint behind which a page begins is still there
select exists (select from webhook where id = $1)
