-- projects.rs::create: make a project
insert into project (organization_id, uid, name)
select id, $1 /* uid */, $2 /* name */ from organization
returning id
