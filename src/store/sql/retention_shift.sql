-- retention/mod.rs::shift: positions move with the epochs of the lots they stand between
update retention_floor set epoch = epoch + $1, at_epoch = at_epoch + $1
