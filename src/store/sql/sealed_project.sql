-- sealed.rs::begin: keep the project from being deleted meanwhile
select id from project where uid = $1 and deleted_at is null for share
