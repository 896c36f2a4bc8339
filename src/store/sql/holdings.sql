-- dump/mod.rs::holdings: events and contacts, as the lots count them
select coalesce(sum(events), 0)::bigint, coalesce(sum(contacts_net), 0)::bigint from lot
