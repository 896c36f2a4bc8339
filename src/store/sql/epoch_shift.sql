-- epochs.rs::renumber: how far the living epochs move, so that the first of them gets $1 or the next number that is free
select greatest($1, max(n) + 1) - min(n) filter (where moved_to is null) from epoch
