-- webhooks/mod.rs::create: make an endpoint that begins at a position of the stream
insert into webhook (id, project_id, url, types, datasources, description, enabled, parallel, whole, sealed, created_by, epoch, tx, item)
values ($1, $2, $3, $4::text[], $5::bigint[], $6, $7, $8, $9, $10, $11, $12, $13, $14)
