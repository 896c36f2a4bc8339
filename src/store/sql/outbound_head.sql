-- outbound.rs::head: behind everything that is settled
select coalesce((select max(n) from epoch), 1), pg_snapshot_xmin(pg_current_snapshot())::text::bigint
