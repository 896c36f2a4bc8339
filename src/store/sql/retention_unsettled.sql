-- retention/rows.rs::step: whether a project is tallied up to where its stream begins
select (t.epoch, t.tx) > (f.epoch, f.tx)
from retention_floor f left join tally_position t on t.project_id = f.project_id
where f.project_id = $1
