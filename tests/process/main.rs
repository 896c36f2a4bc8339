//! The program as its users meet it: the built binary, its own PostgreSQL, `curl` and `psql`.
//!
//! Every test has a data directory of its own and listens on free ports, so all of them run side by side. These servers
//! keep their promise (`fsync` is on), and what a test starts it ends, by process number.

// clippy.toml allows these inside test functions only, and tests have helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/folder.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod folder;

#[path = "../support/encode.rs"]
mod encode;

mod home;

mod serve;

mod inlet;

mod pushers;

mod first_run;

mod commands;

mod users;

mod secret_key;

mod canary;

mod refusals;

mod specs;

mod gone;

mod in_force;

mod crash;

mod drain;

mod flood;

mod load;

mod two_nodes;

mod places;

mod backup;

mod import;

mod export;

mod out_again;

#[cfg(target_os = "linux")]
mod bombs;

mod behind_proxy;

#[path = "../support/receiver.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod receiver;

mod webhooks;

mod webhooks_tls;
