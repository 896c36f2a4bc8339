-- keys.rs::rotate: put a successor beside a key, like it in all but its text, and give the key a deadline
with successor as (
    insert into key (id, kind, hash, prefix, name, description, role, scopes, organization_id, project_id, datasource_id,
                     user_id, created_by, replaces, expires_at)
    select $2, kind, $3, $4, name, description, role, scopes, organization_id, project_id, datasource_id,
           user_id, $7, id, expires_at
    from key where id = $1
)
update key set rotated_at = $5, expires_at = least(expires_at, $6) where id = $1
returning expires_at
