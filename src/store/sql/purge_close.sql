-- purge/mod.rs::close: refuse pushes from now on; every node learns of it by its poll
update datasource set closed_at = $2 where uid = $1 and deleted_at is null
returning id
