-- webhooks/mod.rs::shift: positions move with the epochs of the lots they stand between; whoever delivered did so elsewhere
update webhook set epoch = epoch + $1, node = null, leased_until = null, generation = generation + 1, course = course + 1
