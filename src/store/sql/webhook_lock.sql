-- webhooks/mod.rs::locked: an endpoint of a project that lives, for its change
select w.project_id, w.sealed from webhook w join project p on p.id = w.project_id
where w.id = $1 and p.uid = $2 and p.deleted_at is null
for update of w
