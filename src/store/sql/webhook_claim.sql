-- webhooks/work.rs::claim: take endpoints that nobody delivers to, or whose node has not said for too long that it does
update webhook w set node = $1, leased_until = now() + make_interval(secs => $2)
where w.id in (
    select h.id from webhook h join project p on p.id = h.project_id
    where h.enabled and p.deleted_at is null and (h.node is null or h.leased_until < now())
    order by h.leased_until nulls first, h.id
    limit $3::bigint
    for update of h skip locked
)
