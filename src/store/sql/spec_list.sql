-- specs.rs::list: what one project declared; one row without a spec where it declared nothing
select s.kind, s.event_type, s.body::text
from project p left join spec s on s.project_id = p.id
where p.uid = $1 and p.deleted_at is null
order by s.created_at, s.kind, s.event_type, s.name
