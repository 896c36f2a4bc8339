-- tally.rs::advance: add the lots from a position on, at most about so many and none that is not settled, and move the position behind them
with horizon as (
    select coalesce(max(n), 0) as epoch, pg_snapshot_xmin(pg_current_snapshot()) as tx from epoch
), too_many as (
    select l.epoch, l.tx from lot l cross join horizon h
    where l.project_id = $1 and (l.epoch, l.tx) >= ($2, $3::text::xid8) and (l.epoch, l.tx) < (h.epoch, h.tx)
    order by l.epoch, l.tx, l.first_id offset $4::bigint limit 1
), until as (
    select coalesce(m.epoch, h.epoch) as epoch, coalesce(m.tx, h.tx) as tx from horizon h left join too_many m on true
), sums as (
    select l.datasource_id, sum(l.events)::bigint as events, sum(l.contacts_net)::bigint as contacts, count(*) as lots
    from lot l cross join until u
    where l.project_id = $1 and (l.epoch, l.tx) >= ($2, $3::text::xid8) and (l.epoch, l.tx) < (u.epoch, u.tx)
    group by l.datasource_id
), added as (
    insert into tally as t (datasource_id, project_id, events, contacts)
    select datasource_id, $1, events, contacts from sums order by datasource_id
    on conflict (datasource_id) do update set
        events = t.events + excluded.events,
        contacts = t.contacts + excluded.contacts
), moved as (
    update tally_position p set epoch = u.epoch, tx = u.tx from until u
    where p.project_id = $1 and (u.epoch, u.tx) > (p.epoch, p.tx)
)
select coalesce(sum(lots), 0)::bigint, exists (select from too_many) from sums
