-- projects.rs::change: change what is asked for, leave the rest
update project set
    name = coalesce($2, name),
    locale = coalesce($3, locale),
    timezone = coalesce($4, timezone),
    retention_days = case when $6 then $7 else retention_days end,
    limits = jsonb_strip_nulls(limits || $5::text::jsonb),
    updated_at = now()
where uid = $1 and deleted_at is null
