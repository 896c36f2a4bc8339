-- purge/rest.rs::step: some of the minutes before the one that a purge was asked for in
delete from usage_minute u
using (select minute from usage_minute
       where datasource_id = $1 and minute < date_trunc('minute', $2::timestamptz) order by minute limit $3::bigint) old
where u.datasource_id = $1 and u.minute = old.minute
