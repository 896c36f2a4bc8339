-- purge/lots.rs::remove_lots: lots that hold nothing any more, but whose lane may still look for them
update lot l set events = 0, contacts = 0, contacts_net = 0, id_sum = 0, contact_sum = 0
from unnest($2::int[], $3::text[], $4::bigint[]) as t(epoch, tx, first_id)
where l.project_id = $1 and l.epoch = t.epoch and l.tx = t.tx::xid8 and l.first_id = t.first_id
