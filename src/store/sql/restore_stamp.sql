-- dump/restore.rs::mend: rows carry the transaction that changed them, and ids of another cluster would lie in the future here
do $$
declare
    one record;
begin
    for one in select c.oid::regclass as name from pg_attribute a join pg_class c on c.oid = a.attrelid
                where a.attname = 'changed' and a.atttypid = 'xid8'::regtype and not a.attisdropped
                  and c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
    loop
        execute format('update %s set changed = pg_current_xact_id()', one.name);
    end loop;
end
$$
