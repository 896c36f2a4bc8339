-- people.rs::latest: of the contacts of a project with this e-mail address or this number, the one that changed last; of each of the two at most $4 are looked at
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text, c.created_at, c.updated_at
from (
    (select * from contact where project_id = $1 and email = $2 and email is not null order by project_id, email, datasource_id limit $4)
    union all
    (select * from contact where project_id = $1 and phone = $3 and phone is not null order by project_id, phone, datasource_id limit $4)
) c
join datasource d on d.id = c.datasource_id and d.deleted_at is null
order by c.updated_at desc, c.datasource_id, c.user_id
limit 1
