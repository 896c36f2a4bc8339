-- users.rs::accept: set the password by a one-time link that still holds, and use the link up
update app_user set password = $3, invitation = null, invited_until = null
where invitation = $1 and invited_until > $2 and disabled_at is null
returning uid
