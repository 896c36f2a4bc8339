-- dump/backup.rs::of: every table that a dump holds, and its bytes without indexes
select n.nspname || '.' || c.relname, pg_table_size(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%'
