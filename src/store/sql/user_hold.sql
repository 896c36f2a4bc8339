-- keys.rs::insert: keep a user from being disabled until its new key is there to be ended with it
select id from app_user where uid = $1 and disabled_at is null for share
