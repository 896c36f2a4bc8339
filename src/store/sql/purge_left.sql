-- purge/mod.rs::left: rows of the log and contacts that a purge has yet to remove
select coalesce((select sum(l.events + l.contacts) from lot l
                 where l.project_id = p.project_id and l.datasource_id = p.datasource_id
                   and (l.epoch, l.tx) >= (p.at_epoch, p.at_tx) and (l.epoch, l.tx) < (p.epoch, p.tx)), 0)::bigint
       + case when p.phase = 'rest' then 0 else
             (select count(*) from contact c
              where c.datasource_id = p.datasource_id and c.user_id > p.at_user and c.updated_at <= p.requested_at) end
from datasource d left join purge p on p.datasource_id = d.id where d.uid = $1
union all select 0 limit 1
