-- retention/rows.rs::step: note how far the lots are gone
update retention_floor set at_epoch = $2, at_tx = $3::text::xid8 where project_id = $1
