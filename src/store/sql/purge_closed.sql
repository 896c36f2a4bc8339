-- purge/mod.rs::open: datasources that have been closed for long enough, and whose purge has not begun since
select d.uid from datasource d left join purge p on p.datasource_id = d.id
where d.deleted_at is null and d.closed_at <= clock_timestamp() - $1 * interval '1 second' and coalesce(p.phase, 'rest') = 'rest'
