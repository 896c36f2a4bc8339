-- retention/floor.rs::walk: the last lot behind a position that lies before the first one received since a time, among so many lots that are settled, and whether there may be more such lots
with horizon as (
    select coalesce(max(n), 0) as epoch, pg_snapshot_xmin(pg_current_snapshot()) as tx from epoch
), near as materialized (
    select l.epoch, l.tx, l.first_id, l.last_id, l.received_at
    from lot l cross join horizon h
    where l.project_id = $1 and (l.epoch, l.tx, l.first_id) > ($2, $3::text::xid8, $4) and (l.epoch, l.tx) < (h.epoch, h.tx)
    order by l.epoch, l.tx, l.first_id limit $6::bigint
), kept as (
    select epoch, tx, first_id from near where received_at >= $5 order by epoch, tx, first_id limit 1
)
select n.epoch, n.tx::text, n.last_id, k.epoch is null and (select count(*) from near) = $6
from near n left join kept k on true
where k.epoch is null or (n.epoch, n.tx, n.first_id) < (k.epoch, k.tx, k.first_id)
order by n.epoch desc, n.tx desc, n.first_id desc limit 1
