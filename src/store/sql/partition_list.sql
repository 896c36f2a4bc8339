-- partitions.rs::make_missing: the partitions of the log
select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'event'::regclass
