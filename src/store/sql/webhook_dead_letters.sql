-- webhooks/record.rs::dead_letters: what was given up for an endpoint, the latest first
select id, at, epoch, tx, item, type, attempts, status, error from webhook_dead_letter
where webhook_id = $1 and ($2::bigint is null or id < $2)
order by id desc
limit $3::bigint
