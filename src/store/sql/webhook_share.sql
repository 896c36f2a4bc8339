-- webhooks/work.rs::share: how many endpoints are for each of the nodes that deliver, this one among them
with nodes as (
    select node from webhook_node where seen_until > now() union select $1::uuid
), wanted as (
    select count(*) as endpoints from webhook w join project p on p.id = w.project_id where w.enabled and p.deleted_at is null
)
select ceil(w.endpoints::numeric / (select count(*) from nodes))::bigint,
       w.endpoints > 0 and not exists (
           select from webhook_node where node = $1 and seen_until > now() + make_interval(secs => $2 * 0.7::double precision)
       )
from wanted w
