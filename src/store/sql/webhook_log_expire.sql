-- webhooks/record.rs::expire: forget attempts that are older than they are kept, and say how many
with gone as (
    delete from webhook_delivery where id in (
        select id from webhook_delivery where at < $1 order by id limit $2::bigint
    )
    returning 1
)
select count(*) from gone
