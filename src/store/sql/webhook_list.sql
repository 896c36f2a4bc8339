-- webhooks/mod.rs::page: the endpoints of a project in the order in which they were made, or one of them, and what waits for each
select w.id, p.uid, w.url, w.types,
       case when w.datasources is not null then array(
           select d.uid from datasource d where d.id = any (w.datasources) and d.deleted_at is null order by d.id
       ) end,
       w.description, w.enabled, w.parallel, w.whole, w.sealed, w.before_until, w.created_at, w.created_by, w.updated_at,
       w.epoch, w.tx, w.item, w.disabled_reason, w.skipped_at, w.failures, w.success_at, w.failure_at,
       (select count(*) from webhook_pending o where o.webhook_id = w.id),
       (select count(*) from webhook_dead_letter l where l.webhook_id = w.id),
       w.sealed_before
from webhook w join project p on p.id = w.project_id
where p.deleted_at is null
  and ($1::text is null or p.uid = $1)
  and ($2::uuid is null or w.id = $2)
  and ($3::uuid is null or (w.created_at, w.id) > (select created_at, id from webhook where id = $3))
order by w.created_at, w.id
limit $4::bigint
