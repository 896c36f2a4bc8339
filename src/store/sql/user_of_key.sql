-- users.rs::of_key: the user to whom a key belongs, and the role of the key
select u.uid, u.email, u.role, k.role
from key k join app_user u on u.id = k.user_id
where k.id = $1 and k.deleted_at is null and u.disabled_at is null
