-- users.rs::invite: put a new one-time link in the place of any before it
update app_user set invitation = $2, invited_until = $3 where lower(email) = lower($1) and disabled_at is null
returning uid
