-- epochs.rs::open_unless_opened: open the next epoch
insert into epoch (n, system_identifier, timeline) values ($1, $2, $3)
