-- purge/rest.rs::step: note that a deleted datasource holds nothing any more, where the purge began late enough
update datasource d set purged_at = $3
from project p
where d.id = $1 and p.id = d.project_id
  and least(d.deleted_at, p.deleted_at) < $2::timestamptz - interval '1 minute'
