-- retention/rows.rs::step: lots that go
delete from lot l using unnest($2::int[], $3::text[], $4::bigint[]) as t(epoch, tx, first_id)
where l.project_id = $1 and l.epoch = t.epoch and l.tx = t.tx::xid8 and l.first_id = t.first_id
