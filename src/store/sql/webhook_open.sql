-- webhooks/work.rs::open: all that is needed to deliver to an endpoint
select project_id, url, types, datasources, parallel, whole, sealed, sealed_before, before_until, epoch, tx, item, failures, generation, course
from webhook where id = $1 and node = $2 and enabled
