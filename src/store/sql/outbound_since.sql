-- outbound.rs::since: the earliest place in the order among what was received within a stretch of time, settled or not, if there is any;
-- a lot is written within ten seconds of its time, so whatever is later than the first by more is also behind it
with stretch as materialized (
    select epoch, tx, received_at from lot
    where received_at >= $2 and received_at < $3::timestamptz + interval '10 s' and project_id = $1
), first as (
    select min(received_at) as received_at from stretch
)
select s.epoch, s.tx::text::bigint from stretch s join first f on s.received_at <= f.received_at + interval '10 s'
where f.received_at < $3
order by s.epoch, s.tx limit 1
