-- tx.rs::fate: what became of a transaction
select pg_xact_status($1::text::xid8)
