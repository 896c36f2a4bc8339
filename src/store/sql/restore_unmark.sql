-- dump/restore.rs::mend: the restore is whole
drop table unfinished_restore
