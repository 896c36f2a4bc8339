-- retention/floor.rs::raise: the projects that keep things for a while, where their streams begin, and before which time things are old; two clocks have to say so, so that one that runs ahead removes nothing
select p.id, coalesce(f.epoch, 0), coalesce(f.tx, '0'::xid8)::text, coalesce(f.id, -9223372036854775808),
       least($2::timestamptz, clock_timestamp()) - make_interval(hours => 24 * p.retention_days)
from project p left join retention_floor f on f.project_id = p.id
where p.retention_days is not null and ($1::text is null or p.uid = $1)
order by p.id
