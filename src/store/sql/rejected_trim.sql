-- rejected.rs::keep: forget refused items beyond the newest of their datasource, and those older than a week
delete from rejected_item r
where r.datasource_id = any($1::bigint[])
  and (r.at < $2 or r.id < (select k.id from rejected_item k where k.datasource_id = r.datasource_id
                            order by k.id desc offset $3 limit 1))
