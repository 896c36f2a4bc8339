-- purge/rest.rs::contacts: the next contacts that were last written before a purge began: by their transaction in the cluster that it began in, else by the clock
with horizon as materialized (
    select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next,
           exists (select from epoch e
                   where e.n = $4 and e.n = (select max(n) from epoch) and e.system_identifier = c.system_identifier
                     and e.timeline = ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int) as same
    from pg_control_system() c
), candidate as materialized (
    select c.user_id
    from contact c cross join horizon h
    where c.datasource_id = $1 and c.user_id > $2
      -- A row knows the lower 32 bits of its transaction; an hour is too short for more to be missing. It may be newer than the
      -- snapshot, where its lock was waited for.
      and (c.updated_at <= $3 or case when h.same then h.next - (((h.next - c.xmin::text::bigint + 2147483648) & 4294967295) - 2147483648) < $5::bigint
                 else c.updated_at <= $6 end)
    order by c.user_id limit $7::bigint
), locked as materialized (
    select c.user_id
    from contact c
    where c.datasource_id = $1 and c.user_id in (select user_id from candidate)
    order by c.user_id for update
), gone as (
    delete from contact c
    using locked l cross join horizon h
    where c.datasource_id = $1 and c.user_id = l.user_id
      and (c.updated_at <= $3 or case when h.same then h.next - (((h.next - c.xmin::text::bigint + 2147483648) & 4294967295) - 2147483648) < $5::bigint
                 else c.updated_at <= $6 end)
    returning c.user_id
)
select (select count(*) from gone), (select max(user_id) from candidate)
