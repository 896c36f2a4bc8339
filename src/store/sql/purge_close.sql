-- purge/mod.rs::close: refuse pushes from now on; every node learns of it by its poll. By the database's clock, which all nodes share
update datasource set closed_at = coalesce(closed_at, clock_timestamp()) where uid = $1 and deleted_at is null
returning id
