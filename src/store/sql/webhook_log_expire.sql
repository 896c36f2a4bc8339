-- webhooks/record.rs::expire: forget attempts that are older than they are kept
delete from webhook_delivery where id in (
    select id from webhook_delivery where at < $1 order by id limit $2::bigint
)
