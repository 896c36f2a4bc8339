-- changes.rs::since: projects changed at or after a transaction id
select id, uid, name, locale, timezone, limits::text, created_at, updated_at, deleted_at is not null, retention_days
from project where changed >= $1::text::xid8
