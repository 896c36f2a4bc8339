-- dump/restore.rs::empty: whether a restore is at work or was broken off
select to_regclass('unfinished_restore') is not null
