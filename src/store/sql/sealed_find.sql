-- sealed.rs::find: the live key of a kind that a project has one of; a row without a key where it has none yet
select k.id, k.prefix, k.sealed, k.created_at, k.created_by, u.used_at, u.address, u.user_agent
from project p
left join key k on k.project_id = p.id and k.kind = $2 and k.revoked_at is null and k.deleted_at is null
left join key_use u on u.key_id = k.id
where p.uid = $1 and p.deleted_at is null
