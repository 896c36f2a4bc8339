-- lots.rs::append: the rows of the log
insert into event (id, project_id, datasource_id, received_at, occurred_at, kind, type, user_id, event_id, parameters)
select t.id, t.project_id, t.datasource_id, $9, t.occurred_at, t.kind, t.type, t.user_id, t.event_id, t.parameters::json
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::"char"[], $6::text[], $7::text[], $8::text[],
            $10::text[])
    as t(id, project_id, datasource_id, occurred_at, kind, type, user_id, event_id, parameters)
