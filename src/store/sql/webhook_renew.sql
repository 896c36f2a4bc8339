-- webhooks/work.rs::held: hold on to what a node delivers to, where a good part of the time has gone by
update webhook set leased_until = now() + make_interval(secs => $2::double precision)
where node = $1 and leased_until > now() and leased_until < now() + make_interval(secs => $2 * 0.7::double precision)
