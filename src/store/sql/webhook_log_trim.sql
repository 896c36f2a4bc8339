-- webhooks/record.rs::trim: forget the oldest attempts of an endpoint beyond as many as are kept, and say how many
with gone as (
    delete from webhook_delivery where id in (
        select id from webhook_delivery where webhook_id = $1 order by id desc offset $2::bigint limit $3::bigint
    )
    returning 1
)
select count(*) from gone
