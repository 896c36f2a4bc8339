-- caller.rs::hold: keep the key that asks for another one from being ended meanwhile, if it still holds
select id from key
where id = $1 and revoked_at is null and deleted_at is null and (expires_at is null or expires_at > now())
for share
