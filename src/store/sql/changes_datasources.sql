-- changes.rs::since: datasources changed at or after a transaction id
select id, project_id, uid, name, type, priority, plan, strict, default_country, limits::text, created_at, updated_at,
       deleted_at is not null, closed_at is not null
from datasource where changed >= $1::text::xid8
