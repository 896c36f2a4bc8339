-- sealed.rs::reseal: the sealed texts of all live keys
select id, sealed from key where sealed is not null and revoked_at is null and deleted_at is null order by id
