-- summaries.rs::summarize: summarize a stretch of pages of one partition in its BRIN index; takes no transaction id
select coalesce(sum(brin_summarize_range(x.indexrelid, page)), 0)
from pg_index x join pg_class c on c.oid = x.indexrelid join pg_am m on m.oid = c.relam
cross join generate_series($2::bigint, $3::bigint, 8) page
where x.indrelid = $1::text::regclass and m.amname = 'brin'
