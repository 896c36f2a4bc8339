-- users.rs::disable: disable a user; waits for whoever is making a key for it
update app_user set disabled_at = coalesce(disabled_at, now()), invitation = null, invited_until = null
where lower(email) = lower($1)
returning id, uid
