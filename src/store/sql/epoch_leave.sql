-- epochs.rs::renumber: each number says where its epoch is now; what had moved before moves along
update epoch set moved_to = coalesce(moved_to, n) + $1
