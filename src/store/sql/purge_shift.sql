-- purge/mod.rs::shift: positions move with the epochs of the lots they stand between
update purge set epoch = epoch + $1, at_epoch = at_epoch + $1, shell_epoch = shell_epoch + $1
