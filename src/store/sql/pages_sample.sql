-- pages.rs::sample: when the earliest of a few rows was received; their places lie in the partition of one day
select min(received_at) from event where received_at >= $1 and received_at < $2 and ctid = any ($3::text[]::tid[])
