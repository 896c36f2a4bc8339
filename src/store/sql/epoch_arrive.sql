-- epochs.rs::renumber: the epochs that just moved, under their new numbers
insert into epoch (n, system_identifier, timeline, opened_at)
select moved_to, system_identifier, timeline, opened_at from epoch where n + $1 = moved_to
