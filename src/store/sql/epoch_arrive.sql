-- epochs.rs::renumber: the epochs that just moved, under their new numbers. No cluster has the timeline 0, so the first lane opens an epoch of its own: in another database of the same cluster, transaction ids go on where those of the source do
insert into epoch (n, system_identifier, timeline, opened_at)
select moved_to, system_identifier, 0, opened_at from epoch where n + $1 = moved_to
