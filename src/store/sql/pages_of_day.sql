-- pages.rs::of: the pages of a day's table; 0 where there is none
select coalesce(pg_relation_size(to_regclass($1::text)), 0) / current_setting('block_size')::bigint
