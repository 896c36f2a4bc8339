-- users.rs::see: change which projects a user sees, unless one of them is not there
update app_user u set projects = case when $2::text[] is not null then array(
    select p.id from project p where p.uid = any($2) and p.deleted_at is null order by p.id
) end
where lower(u.email) = lower($1)
  and ($2::text[] is null or cardinality($2) = (select count(*) from project p where p.uid = any($2) and p.deleted_at is null))
returning u.id, u.uid
