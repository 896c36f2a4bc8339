-- tx.rs::fate: the row that a transaction left, if it was committed
select 1 from lot where project_id = $1 and epoch = $2 and tx = $3::text::xid8 and first_id = $4
