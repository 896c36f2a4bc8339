-- purge/lots.rs::step: note how far the lots are gone, and from where on emptied ones stay
update purge set at_epoch = $2, at_tx = $3::text::xid8, shell_epoch = $4, shell_tx = $5::text::xid8 where datasource_id = $1
