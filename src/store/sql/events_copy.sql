-- log.rs::append: the rows of the log
copy event (id, received_at, project_id, datasource_id, occurred_at, kind, type, user_id, event_id, parameters)
from stdin (format binary)
