-- dump/restore.rs::claim: the mark of a restore at work; schema.rs keeps everybody out while it is there
create table unfinished_restore ()
