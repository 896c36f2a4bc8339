-- changes.rs::since: what projects declared
select project_id, kind, event_type, body::text from spec where project_id = any($1)
order by project_id, created_at, kind, event_type, name
