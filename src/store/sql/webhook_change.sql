-- webhooks/mod.rs::change: change what is given; whoever delivers learns of it by the generation
update webhook set
    url = coalesce($2, url),
    types = coalesce($3::text[], types),
    datasources = case when $4 then $5::bigint[] else datasources end,
    description = coalesce($6, description),
    enabled = coalesce($7, enabled),
    disabled_reason = case when $7 is null then disabled_reason end,
    failures = case when $7 or $2 is not null then 0 else failures end,
    parallel = coalesce($8, parallel),
    updated_at = now(),
    generation = generation + 1
where id = $1
