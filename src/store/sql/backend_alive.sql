-- fate.rs::fate: whether a process still serves a connection that was lost
select 1 from pg_stat_activity where pid = $1 and backend_start = $2
