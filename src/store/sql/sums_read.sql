-- sums.rs::read: what the lots of a datasource add up to, by the minute in which they were written
select date_trunc('minute', l.received_at, 'UTC') as minute,
       sum(l.events)::bigint, mod(sum(l.id_sum), 18446744073709551616)::text,
       sum(l.contacts)::bigint, mod(sum(l.contact_sum), 18446744073709551616)::text
from lot l
where l.project_id = $1 and l.datasource_id = $2 and l.received_at >= $3 and l.received_at < $4
group by 1 having sum(l.events) + sum(l.contacts) > 0
order by 1
