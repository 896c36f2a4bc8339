-- partitions.rs::state: the partitions of the log but one that is being detached, newest first: pages, and whether the index of a closed day is in use
select c.relname, coalesce(pg_relation_size(c.oid) / current_setting('block_size')::bigint, 0),
       exists (select from pg_index x join pg_class n on n.oid = x.indexrelid
               where x.indrelid = c.oid and x.indisvalid and n.relname = c.relname || '_by_person')
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'event'::regclass and not i.inhdetachpending order by c.relname desc
