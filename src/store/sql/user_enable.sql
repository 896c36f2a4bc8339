-- users.rs::enable: enable a user again; keys that ended with it stay ended
update app_user set disabled_at = null where lower(email) = lower($1)
returning uid
