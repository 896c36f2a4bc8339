-- timeline.rs::fetch: events of one contact in a stretch of time, newest first; by the B-tree of a closed day, or by the Bloom filters
select id, received_at, occurred_at, type, event_id, parameters::text
from event
where received_at >= $4 and received_at <= $5 and (received_at, id) < ($5, $6)
  and hashtextextended(user_id, datasource_id) = hashtextextended($3, $2)
  and user_id = $3 and datasource_id = $2 and project_id = $1 and kind = 'e'
order by received_at desc, id desc limit $7
