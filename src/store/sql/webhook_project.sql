-- webhooks/mod.rs::create: keep the project of an endpoint from being deleted meanwhile, and count the endpoints it has
select p.id, (select count(*) from webhook w where w.project_id = p.id)
from project p
where p.uid = $1 and p.deleted_at is null
for share of p
