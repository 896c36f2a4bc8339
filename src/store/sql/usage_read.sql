-- usage.rs::read: the totals of a datasource
select calls_success, calls_failures, entities_success, entities_failures, contacts, events, last_success_at, last_failure_at,
       last_contact_at, last_event_at
from usage_total where datasource_id = $1
