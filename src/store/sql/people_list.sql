-- people.rs::list: a page of the contacts of a project, and how many there are in all; a page behind the last one has one row without a contact
with found as materialized (
    select c.datasource_id, c.user_id,
           case when $2::text = 'email' then coalesce(c.email, '') end as name,
           case $2::text when 'created' then c.created_at when 'last_updated' then c.updated_at end as at
    from contact c
    where c.project_id = $1
      and c.datasource_id = any (array(select id from datasource where project_id = $1 and deleted_at is null))
      and ($4::text is null or c.email = $4)
      and ($5::text is null or c.phone = $5)
      and ($6::uuid is null or c.contact_id = $6)
      and ($7::text is null
           or case $7::text when 'email' then c.email when 'phone' then c.phone when 'uuid' then c.contact_id::text
              when 'user_id' then lower(c.user_id) else lower(c.attributes ->> $8::text) end like $9)
)
select p.datasource_id, p.user_id, c.contact_id, c.attributes::text, c.created_at, c.updated_at, t.total
from (select count(*) as total from found) t
left join (
    select * from found
    order by case when $3::boolean then name end desc, case when $3::boolean then at end desc, name, at, datasource_id, user_id
    limit $10 offset $11
) p on true
left join contact c on c.datasource_id = p.datasource_id and c.user_id = p.user_id
order by case when $3::boolean then p.name end desc, case when $3::boolean then p.at end desc, p.name, p.at, p.datasource_id, p.user_id
