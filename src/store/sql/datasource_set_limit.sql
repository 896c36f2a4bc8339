-- datasources.rs::set_limit: override one class's budget of a datasource
update datasource set limits = limits || jsonb_build_object($2::text, $3::bigint), updated_at = now()
where uid = $1 and deleted_at is null
