-- webhooks/work.rs::keep: messages that wait no more
delete from webhook_pending o using unnest($2::int[], $3::bigint[], $4::bigint[]) as m (epoch, tx, item)
where o.webhook_id = $1 and o.epoch = m.epoch and o.tx = m.tx and o.item = m.item
