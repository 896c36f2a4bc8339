-- key_list.rs::list: keys that were not deleted, in the order in which they were made, with their last use
select k.id, k.kind, k.prefix, k.name, k.description, k.role, k.scopes, p.uid, d.uid, u.uid, u.email,
       k.created_at, k.created_by, k.expires_at, k.rotated_at, k.revoked_at, k.replaces,
       v.used_at, v.address, v.user_agent
from key k
left join datasource d on d.id = k.datasource_id
left join project p on p.id = coalesce(k.project_id, d.project_id)
left join app_user u on u.id = k.user_id
left join key_use v on v.key_id = k.id
where k.deleted_at is null
  and ($1::text is null
       or k.project_id = (select id from project where uid = $1)
       or k.datasource_id = any (array(
           select o.id from datasource o join project q on q.id = o.project_id where q.uid = $1)))
  and ($2::text is null or lower(u.email) = lower($2))
  and ($3::bigint is null or k.user_id = $3)
  and ($4::uuid is null or k.id = $4)
  and ($5::uuid is null or (k.created_at, k.id) > (select created_at, id from key where id = $5))
order by k.created_at, k.id
limit $6::bigint
