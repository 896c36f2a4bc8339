-- webhooks/work.rs::held: what a node delivers to
select w.id, w.generation from webhook w join project p on p.id = w.project_id
where w.node = $1 and w.leased_until > now() and w.enabled and p.deleted_at is null
order by w.id
