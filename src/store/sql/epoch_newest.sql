-- timeline.rs::page: the epoch that cursors are made in
select coalesce(max(n), 0) from epoch
