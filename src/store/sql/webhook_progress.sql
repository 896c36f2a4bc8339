-- webhooks/work.rs::keep: how far the node that delivers is; no row where it is another one by now, or was moved by hand
update webhook set
    epoch = $4, tx = $5, item = $6, failures = $7,
    success_at = coalesce($8, success_at), failure_at = coalesce($9, failure_at),
    skipped_at = coalesce($10, skipped_at)
where id = $1 and node = $2 and course = $3
returning id
