-- changes.rs::since: keys changed at or after a transaction id, the dead ones too
select id, kind, hash, prefix, name, scopes, project_id, datasource_id, expires_at,
       revoked_at is not null or deleted_at is not null
from key where changed >= $1::text::xid8
