-- users.rs::list: the users, or the one of an address, with the projects that still exist
select u.id, u.uid, u.email, u.role,
       case when u.projects is not null then array(
           select p.uid from project p where p.id = any(u.projects) and p.deleted_at is null order by p.id
       ) end,
       u.password is not null, u.invited_until, u.created_at, u.created_by, u.disabled_at
from app_user u
where $1::text is null or lower(u.email) = lower($1)
order by u.id
