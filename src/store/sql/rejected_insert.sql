-- rejected.rs::keep: keep refused items
insert into rejected_item (datasource_id, at, kind, pointer, rule, excerpt)
select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[])
