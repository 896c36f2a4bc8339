-- projects.rs::ensure_organization: make the organization, once
insert into organization (uid, name) values ($1, $2) on conflict do nothing
