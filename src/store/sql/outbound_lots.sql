-- outbound.rs::page: a project's next settled lots behind a position, and how far everything is settled, in one snapshot
with head as materialized (
    select coalesce(max(n), 1) as epoch, pg_snapshot_xmin(pg_current_snapshot()) as tx from epoch
)
select h.epoch, h.tx::text::bigint, l.epoch, l.tx::text::bigint, l.first_id, l.last_id, l.datasource_id, l.received_at
from head h left join lateral (
    select * from lot
    where project_id = $1 and (epoch, tx, first_id) >= ($2, $3::text::xid8, 0)
      and (epoch, tx) < (h.epoch, h.tx) and (epoch, tx, last_id) > ($2, $3::text::xid8, $4)
    order by epoch, tx, first_id limit $5
) l on true
order by l.epoch, l.tx, l.first_id
