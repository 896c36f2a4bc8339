-- webhooks/work.rs::claim: whether there is anything to take, without writing
select exists (
    select from webhook h join project p on p.id = h.project_id
    where h.enabled and p.deleted_at is null and (h.node is null or h.leased_until < now())
)
