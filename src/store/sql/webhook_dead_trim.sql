-- webhooks/record.rs::trim: forget the oldest dead letters of an endpoint beyond as many as are kept, and say how many
with gone as (
    delete from webhook_dead_letter where id in (
        select id from webhook_dead_letter where webhook_id = $1 order by id desc offset $2::bigint limit $3::bigint
    )
    returning 1
)
select count(*) from gone
