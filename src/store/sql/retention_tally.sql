-- retention/rows.rs::step: note how many events are gone; the totals go on to count them
update tally t set expired = t.expired + g.events
from (select u.datasource_id, sum(u.events)::bigint as events
      from unnest($1::bigint[], $2::bigint[]) as u(datasource_id, events) group by u.datasource_id) g
where t.datasource_id = g.datasource_id
