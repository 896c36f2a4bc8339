-- sealed.rs::reseal: the sealed secrets of all endpoints; those before them as long as they hold
select id, sealed, case when before_until > now() then sealed_before end from webhook order by id for update
