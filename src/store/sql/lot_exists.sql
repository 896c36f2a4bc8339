-- lots.rs::fate: whether a lot is there, by all that sets it apart from another one under the same transaction id
select exists (select from lot where project_id = $1 and epoch = $2 and tx = $3::text::xid8 and first_id = $4 and received_at = $5)
