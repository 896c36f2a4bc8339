-- retention/days.rs::next: partitions that an earlier round began to drop, and whether each is still half attached
select c.relname, i.inhrelid is not null
from pg_class c
join pg_description d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = 0 and d.description = $1
left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'event'::regclass
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and (i.inhrelid is null or i.inhdetachpending)
order by c.relname limit 1
