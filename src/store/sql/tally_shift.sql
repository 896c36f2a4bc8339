-- tally.rs::shift: positions move with the epochs of the lots they stand between
update tally_position set epoch = epoch + $1
