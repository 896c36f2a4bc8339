//! The clients in `docs/clients/`, run as they are against a real server: one file per task, each in every language.
//!
//! Behind the feature `clients`, for they take more than a Rust toolchain: bash, curl, jq, Python 3 and Node.js. With the
//! feature on, what is missing is a failure.

// clippy.toml allows these inside test functions only, and tests have helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

use support::folder;

#[path = "../process/home.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod home;

#[path = "../process/serve.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod serve;

mod script;

mod gateway;

mod contacts;

mod events;

mod retry;

mod read;

mod stream;

mod audit;

mod doors;

mod rotate;

mod pages;

mod webhooks;
