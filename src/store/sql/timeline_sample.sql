-- timeline.rs::sample: when the first row at or behind a page of one partition was received
select received_at from event where received_at >= $1 and received_at < $2 and ctid >= $3::text::tid limit 1
