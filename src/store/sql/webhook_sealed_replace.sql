-- sealed.rs::reseal: put newly sealed secrets in the place of the old ones; one before that cannot be opened any more has ended
update webhook w set
    sealed = fresh.sealed,
    sealed_before = fresh.before,
    before_until = case when fresh.before is not null then w.before_until end
from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as fresh (id, sealed, before)
where w.id = fresh.id
