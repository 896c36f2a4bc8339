-- webhooks/work.rs::share: say that a node delivers, and forget those that have not said so for long
with gone as (
    delete from webhook_node where seen_until < now() - interval '1 hour' and node <> $1
)
insert into webhook_node (node, seen_until) values ($1, now() + make_interval(secs => $2::double precision))
on conflict (node) do update set seen_until = excluded.seen_until
