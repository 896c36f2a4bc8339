//! The store, against PostgreSQL.

// clippy.toml allows these inside test functions only, and tests have helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod columns;

mod managed;

mod managed_crash;

mod managed_place;

mod shared;
