-- horizon.rs::schema_version: the newest migration
select coalesce(max(version), 0)::int from refinery_schema_history
