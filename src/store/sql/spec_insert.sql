-- specs.rs::declare: declare a spec, unless its name is taken
insert into spec (project_id, kind, event_type, name, body) values ($1, $2, $3, $4, $5::text::jsonb)
on conflict do nothing
returning name
