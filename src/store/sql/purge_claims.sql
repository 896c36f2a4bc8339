-- purge/rest.rs::claims: claims among the next so many that are older than a time, and the last one that was looked at
with candidate as materialized (
    select k.claim from event_key k where k.datasource_id = $1 and k.claim > $2 order by k.claim limit $4::bigint
), gone as (
    delete from event_key k using candidate c
    where k.datasource_id = $1 and k.claim = c.claim and k.claimed_at <= $3
)
select claim from candidate order by claim desc limit 1
