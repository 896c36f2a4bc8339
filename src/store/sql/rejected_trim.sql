-- rejected.rs::keep: forget refused items beyond the newest of their datasource
delete from rejected_item r
where r.datasource_id = any($1::bigint[])
  and r.id < (select k.id from rejected_item k where k.datasource_id = r.datasource_id order by k.id desc offset $2 limit 1)
