-- purge/mod.rs::step: a purge, locked, and how far its project is tallied; no row while another worker is at it
select p.datasource_id, p.project_id, p.requested_at, p.phase, p.epoch, p.tx::text, p.at_epoch, p.at_tx::text, p.at_user,
       p.shell_epoch, p.shell_tx::text, coalesce(t.epoch, 0), coalesce(t.tx, '0'::xid8)::text, p.at_claim
from purge p left join tally_position t on t.project_id = p.project_id
where p.datasource_id = $1 for update of p skip locked
