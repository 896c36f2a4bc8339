-- keys.rs::rotate: keep the user of a key, if it has one, from being disabled until the successor is there to be ended with it
select u.id from app_user u join key k on k.user_id = u.id where k.id = $1 for share of u
