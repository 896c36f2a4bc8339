-- lots.rs::order: the order of this commit, one row per datasource
insert into lot (project_id, epoch, first_id, last_id, datasource_id, events, contacts, contacts_net, id_sum,
                 contact_sum, received_at)
select t.project_id, $10, t.first_id, t.last_id, t.datasource_id, t.events, t.contacts, t.contacts_net, t.id_sum,
       t.contact_sum, $11
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[], $7::int[], $8::bigint[], $9::bigint[])
    as t(project_id, first_id, last_id, datasource_id, events, contacts, contacts_net, id_sum, contact_sum)
returning pg_current_xact_id()::text::bigint
