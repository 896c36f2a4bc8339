-- purge/mod.rs::open: datasources that have been closed for long enough, and whose purge has not begun since
select d.uid from datasource d left join purge p on p.datasource_id = d.id
where d.deleted_at is null and d.closed_at <= $1 and (p.requested_at is null or p.requested_at < d.closed_at)
