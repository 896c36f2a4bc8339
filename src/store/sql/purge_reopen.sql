-- purge/rest.rs::contacts: everything is gone, so pushes are taken again
update datasource set closed_at = null where id = $1 and closed_at is not null
