-- users.rs::invited: whom a one-time link that still holds is for
select email from app_user where invitation = $1 and invited_until > $2 and disabled_at is null
