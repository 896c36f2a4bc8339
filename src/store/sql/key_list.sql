-- keys.rs::list: the keys that were not deleted
select k.id, k.kind, k.prefix, k.name, k.scopes, p.uid, d.uid, k.created_at, k.created_by, k.expires_at, k.revoked_at
from key k
left join datasource d on d.id = k.datasource_id
left join project p on p.id = coalesce(k.project_id, d.project_id)
where k.deleted_at is null and ($1::text is null or p.uid = $1)
order by k.created_at, k.id
