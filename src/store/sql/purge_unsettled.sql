-- purge/mod.rs::settle: the project of a purge, where it is not tallied up to the purge's start
select p.project_id
from purge p left join tally_position t on t.project_id = p.project_id
where p.datasource_id = $1 and p.phase = 'lots' and (coalesce(t.epoch, 0), coalesce(t.tx, '0'::xid8)) < (p.epoch, p.tx)
