-- projects.rs::ensure_organization: make the organization, once
insert into organization (uid, name) values ($1, coalesce($2, 'Tidegate')) on conflict do nothing
