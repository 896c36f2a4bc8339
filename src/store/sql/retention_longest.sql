-- retention/days.rs::next: before which time every project lets go of what it received; null while one keeps it for ever. Deleted projects count until they are purged
select case when count(*) = count(p.retention_days)
            then least($1::timestamptz, clock_timestamp()) - make_interval(hours => 24 * max(p.retention_days)) end
from project p
where p.deleted_at is null or exists (select from datasource d where d.project_id = p.id and d.purged_at is null)
