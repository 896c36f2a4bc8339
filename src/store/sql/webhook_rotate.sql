-- webhooks/mod.rs::rotate: put a new secret in the place of the one that signs, which signs besides for a while
update webhook set
    sealed_before = sealed,
    before_until = now() + make_interval(secs => $3),
    sealed = $2,
    updated_at = now(),
    generation = generation + 1
where id = $1
