-- people.rs::hold: keep others from looking for these names in a project, until they are let go; in one order, whoever asks
select pg_advisory_lock(place) from (
    select distinct hashtextextended(name, $1) as place from unnest($2::text[]) as name order by place
) places
