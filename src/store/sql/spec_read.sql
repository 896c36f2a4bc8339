-- specs.rs::read: one declared spec, in the caller's transaction
select body::text from spec where project_id = $1 and kind = $2 and event_type = $3 and name = $4
