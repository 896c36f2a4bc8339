-- users.rs::create: make a user, unless the address is taken or one of the projects is not there
insert into app_user (organization_id, uid, email, role, projects, password, invitation, invited_until, created_by)
select o.id, $1, $2, $3,
       case when $4::text[] is not null then array(
           select p.id from project p where p.uid = any($4) and p.deleted_at is null order by p.id
       ) end,
       $5, $6, $7, $8
from organization o
where $4 is null or cardinality($4) = (select count(*) from project p where p.uid = any($4) and p.deleted_at is null)
on conflict (lower(email)) do nothing
returning id
