-- specs.rs::remove: take a declared spec back, and the parameters of a type with it; what they were, and which is the spec itself
delete from spec
where project_id = $1 and ((kind = $2 and event_type = $3 and name = $4)
    or ($2 = 'event' and kind = 'parameter' and event_type = $4
        and exists (select from spec own where own.project_id = $1 and own.kind = 'event' and own.name = $4)))
returning kind = $2 and event_type = $3 and name = $4, kind, event_type, body::text
