-- lots.rs::xid: the transaction id that tells a commit's fate, should the connection die under it
select pg_current_xact_id()::text::bigint
