-- webhooks/record.rs::trim: forget the oldest attempts of an endpoint beyond as many as are kept
delete from webhook_delivery where id in (
    select id from webhook_delivery where webhook_id = $1 order by id desc offset $2::bigint limit $3::bigint
)
