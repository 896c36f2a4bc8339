-- changes.rs::since: the organization
select uid, name, plan from organization
