-- lots.rs::claim: claim event ids, in key order so that two lanes cannot deadlock; answers the keys that were won
with wanted as materialized (
    select * from unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::timestamptz[]) with ordinality
        as t(datasource_id, claim, content, given_date, n)
), won as (
    insert into event_key (datasource_id, claim, content, given_date, claimed_at)
    select datasource_id, claim, content, given_date, $5 from wanted order by n
    on conflict do nothing
    returning datasource_id, claim
)
select datasource_id, claim from won
