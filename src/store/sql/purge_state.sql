-- purge/mod.rs::is_closed: whether pushes are refused until a purge is done
select closed_at is not null from datasource where uid = $1
