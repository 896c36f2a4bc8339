-- purge/rest.rs::step: note how far emptied lots are gone
update purge set shell_epoch = $2, shell_tx = $3::text::xid8 where datasource_id = $1
