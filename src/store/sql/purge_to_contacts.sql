-- purge/lots.rs::step: all lots are gone
update purge set phase = 'contacts' where datasource_id = $1
