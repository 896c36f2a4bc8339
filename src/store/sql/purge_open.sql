-- purge/mod.rs::open: the purges that are not complete
select datasource_id from purge order by requested_at, datasource_id
