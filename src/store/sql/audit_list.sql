-- audit.rs::list: what was done, the latest first
select a.id, a.at, p.uid, a.actor, a.address, a.action, a.subject, coalesce(a.detail->>'note', '')
from audit a
left join project p on p.id = a.project_id
where ($1::text is null or a.project_id = (select id from project where uid = $1))
  and ($2::bigint is null or a.id < $2)
order by a.id desc
limit $3::bigint
