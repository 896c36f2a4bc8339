-- dump/restore.rs::empty: everything that a restore made, and its mark; those of extensions are left alone
do $$
declare
    statement text;
begin
    -- All names first, because what goes takes others along; tables before the sequences of their identity columns.
    foreach statement in array (
        with extensions as (select classid, objid from pg_depend where deptype = 'e'),
             ours as (select oid from pg_namespace where nspname <> 'information_schema' and nspname not like 'pg\_%'),
             found as (
                select kinds.place, format('drop %s if exists %s cascade', kinds.word, c.oid::regclass) as statement
                  from pg_class c
                  join (values (1, 'r', 'table'), (1, 'p', 'table'), (1, 'v', 'view'), (1, 'm', 'materialized view'),
                               (2, 'S', 'sequence')) as kinds(place, kind, word) on kinds.kind = c.relkind::text
                 where c.relnamespace in (select oid from ours)
                   and ('pg_class'::regclass, c.oid) not in (select classid, objid from extensions)
                union all
                select 3, format('drop routine if exists %s cascade', p.oid::regprocedure)
                  from pg_proc p
                 where p.pronamespace in (select oid from ours)
                   and ('pg_proc'::regclass, p.oid) not in (select classid, objid from extensions))
        select coalesce(array_agg(found.statement order by place), '{}') from found)
    loop
        execute statement;
    end loop;
end
$$
