-- retention/mod.rs::floor: where the stream of a project begins; no row where nothing of it was ever removed
select epoch, tx::text, id from retention_floor where project_id = $1
