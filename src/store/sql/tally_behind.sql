-- tally.rs::behind: projects with more than so many settled lots that are not tallied
with horizon as (select coalesce(max(n), 0) as epoch, pg_snapshot_xmin(pg_current_snapshot()) as tx from epoch)
select p.id
from project p cross join horizon h left join tally_position t on t.project_id = p.id
where exists (
    select from lot l
    where l.project_id = p.id and (l.epoch, l.tx) >= (coalesce(t.epoch, 0), coalesce(t.tx, '0'::xid8))
      and (l.epoch, l.tx) < (h.epoch, h.tx)
    order by l.epoch, l.tx, l.first_id offset $1::bigint limit 1
)
