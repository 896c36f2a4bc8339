-- sealed.rs::reseal: put newly sealed texts in the place of the old ones
update key k set sealed = fresh.sealed
from unnest($1::uuid[], $2::bytea[]) as fresh (id, sealed)
where k.id = fresh.id
