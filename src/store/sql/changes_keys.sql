-- changes.rs::since: keys changed at or after a transaction id, the dead ones too; whatever changes a user touches its keys
select k.id, k.kind, k.hash, k.prefix, k.name, k.scopes, k.project_id, k.datasource_id, k.expires_at,
       k.revoked_at is not null or k.deleted_at is not null or u.disabled_at is not null,
       k.user_id, u.projects, k.rotated_at
from key k
left join app_user u on u.id = k.user_id
where k.changed >= $1::text::xid8
