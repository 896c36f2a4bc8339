-- dump/restore.rs::claim: tables, sequences, views and functions that somebody made, those of extensions left out
with ours as (select oid from pg_namespace where nspname <> 'information_schema' and nspname not like 'pg\_%'),
     extensions as (select classid, objid from pg_depend where deptype = 'e')
select (select count(*) from pg_class c
         where c.relnamespace in (select oid from ours) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
           and ('pg_class'::regclass, c.oid) not in (select classid, objid from extensions))
     + (select count(*) from pg_proc p
         where p.pronamespace in (select oid from ours)
           and ('pg_proc'::regclass, p.oid) not in (select classid, objid from extensions))
