-- horizon.rs::schema_standing: the newest migration, and the oldest version that may work on this schema
select (select max(version)::int from refinery_schema_history), coalesce((select max(version)::int from schema_floor), 0)
