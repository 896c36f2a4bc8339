-- purge/rest.rs::claims: all claims are gone
update purge set phase = 'contacts' where datasource_id = $1
