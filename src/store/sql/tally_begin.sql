-- tally.rs::advance: give a project a position before all of its lots
insert into tally_position (project_id, epoch, tx) values ($1, 0, '0') on conflict do nothing
