-- totals.rs::read: what a datasource holds, from its lots
select coalesce(sum(events), 0)::bigint, coalesce(sum(contacts_net), 0)::bigint
from lot where project_id = $1 and datasource_id = $2
