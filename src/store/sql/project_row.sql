-- projects.rs::row: the row of a project that lives
select id from project where uid = $1 and deleted_at is null
