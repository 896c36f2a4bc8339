-- audit.rs::write: write down who did what to what, under the project that what it was done to belongs to
insert into audit (actor, address, action, subject, detail, project_id)
select $1, $2, $3, $4, $5::text::jsonb, coalesce(
    (select id from project where uid = $4),
    (select project_id from datasource where uid = $4),
    (select project_id from webhook where id = case when $4 ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then $4::uuid end),
    (select coalesce(k.project_id, d.project_id)
     from key k left join datasource d on d.id = k.datasource_id where k.id = case when $4 ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then $4::uuid end)
)
