-- keys.rs::rotate: keep the project of a key, if it has one, from being deleted until the successor is there to be ended with it
select p.id from project p
where p.id = (select coalesce(k.project_id, d.project_id)
              from key k left join datasource d on d.id = k.datasource_id where k.id = $1)
for share
