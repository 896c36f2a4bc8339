//! The store and the writer, against PostgreSQL.

// clippy.toml allows these inside test functions only, and tests have helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod columns;

mod station;

mod managed;

mod managed_crash;

mod managed_place;

mod shared;

mod sql;

mod schema;

mod partitions;

mod epoch;

mod commit;

mod encrypted;

mod poison;

mod overlap;

mod unchanged;

mod writer;

mod restart;
mod retention;

mod keyring;

mod users;

mod bound;

mod uses;

mod sealed;

mod ledger;

mod accepted;

mod reissued;

mod audience;

mod timeline;

mod large;

mod outbound;

mod summaries;

mod dump;

mod tally;

mod purge;

mod erase;

mod behind;

mod webhooks;

mod conversations;
