-- sealed.rs::reseal: put newly sealed texts in the place of the old ones, but for keys that ended meanwhile
update key k set sealed = fresh.sealed
from unnest($1::uuid[], $2::bytea[]) as fresh (id, sealed)
where k.id = fresh.id and k.revoked_at is null and k.deleted_at is null
