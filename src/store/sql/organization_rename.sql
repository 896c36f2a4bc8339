-- projects.rs::ensure_organization: give the organization the name that was asked for
update organization set name = $1, updated_at = now() where name <> $1
