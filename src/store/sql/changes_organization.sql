-- changes.rs: the organization
select uid, name, plan from organization
