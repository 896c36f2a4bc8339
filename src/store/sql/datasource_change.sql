-- datasources.rs::change: change what is asked for, leave the rest
update datasource set
    name = coalesce($2, name),
    plan = case when $3 then $4 else plan end,
    strict = coalesce($5, strict),
    default_country = case when $6 then $7 else default_country end,
    priority = coalesce($8, priority),
    limits = jsonb_strip_nulls(limits || $9::text::jsonb),
    updated_at = now()
where uid = $1 and deleted_at is null
