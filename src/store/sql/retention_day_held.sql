-- retention/days.rs::next: whether anything received within a stretch of time lies behind where the stream of its project begins
select exists (
    select from lot l left join retention_floor f on f.project_id = l.project_id
    where l.received_at >= $1 and l.received_at < $2
      and (f.project_id is null or (l.epoch, l.tx, l.first_id) > (f.epoch, f.tx, f.id))
)
