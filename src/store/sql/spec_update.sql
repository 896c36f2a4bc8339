-- specs.rs::change: replace a declared spec; what was stored under it stays as it is
update spec set body = $5::text::jsonb, updated_at = now()
where project_id = $1 and kind = $2 and event_type = $3 and name = $4
