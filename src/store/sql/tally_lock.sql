-- tally.rs::advance: the position of a project, locked; no row while another node moves it
select epoch, tx::text from tally_position where project_id = $1 for update skip locked
