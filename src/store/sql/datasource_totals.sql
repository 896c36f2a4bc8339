-- totals.rs::read: what a datasource holds: its tally, and its lots from the tally's position on; one statement, so that both are of one snapshot
select coalesce(t.events, 0) + coalesce(s.events, 0), coalesce(t.contacts, 0) + coalesce(s.contacts, 0)
from (select $1::bigint as project_id) q
left join tally_position p on p.project_id = q.project_id
left join tally t on t.datasource_id = $2
cross join lateral (
    select sum(l.events)::bigint as events, sum(l.contacts_net)::bigint as contacts
    from lot l
    where l.project_id = $1 and l.datasource_id = $2
      and (l.epoch, l.tx) >= (coalesce(p.epoch, 0), coalesce(p.tx, '0'::xid8))
) s
