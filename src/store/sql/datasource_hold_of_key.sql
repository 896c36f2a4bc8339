-- keys.rs::rotate: keep the datasource of a key, if it has one, from being deleted until the successor is there
select d.id from datasource d where d.id = (select datasource_id from key where id = $1) for share
