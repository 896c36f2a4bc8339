-- webhooks/record.rs::deliveries: the attempts for an endpoint, the latest first
select id, at, message, type, attempt, status, latency_ms, error from webhook_delivery
where webhook_id = $1 and ($2::bigint is null or id < $2)
order by id desc
limit $3::bigint
