-- audience.rs::by_phone: the contact of a project with this telephone number that comes first, and how many have it; of each datasource at
-- most $3 are looked at, by comparing and ordering as the index does, so that no other plan is as cheap and none reads more
with found as materialized (
    select c.datasource_id, c.user_id, c.updated_at, d.priority
    from datasource d cross join lateral (
        select datasource_id, user_id, updated_at from contact
        where (project_id, phone, datasource_id) >= ($1::bigint, $2::text, d.id)
          and (project_id, phone, datasource_id) <= ($1::bigint, $2::text, d.id)
          and phone is not null
        order by project_id, phone, datasource_id
        limit $3
    ) c
    where d.project_id = $1 and d.deleted_at is null
), first as (
    select datasource_id, user_id from found order by priority, datasource_id, updated_at desc, user_id limit 1
)
select c.datasource_id, c.user_id, c.contact_id, c.attributes::text, c.created_at, c.updated_at,
       least((select count(*) from found), $3)
from first join contact c on c.datasource_id = first.datasource_id and c.user_id = first.user_id
