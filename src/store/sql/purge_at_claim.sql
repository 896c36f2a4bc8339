-- purge/rest.rs::claims: note how far the claims are looked through
update purge set at_claim = $2 where datasource_id = $1
