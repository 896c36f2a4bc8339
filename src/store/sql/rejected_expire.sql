-- rejected.rs::expire: forget refused items that are older than a week
delete from rejected_item where at < $1
