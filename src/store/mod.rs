//! The only place that knows PostgreSQL.
//! Promises that what it reports as written is committed, and that SQL is nowhere else.
//! Must not know HTTP, keys or the command line.

pub mod managed;
