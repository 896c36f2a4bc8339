//! The API as its clients meet it: one file per branch of the URL tree, a database per test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    dead_code,
    missing_docs
)]

#[path = "../support/mod.rs"]
mod support;

mod audience;

mod log;

mod auth;

mod limits;

mod manage;

mod problem;

mod stream;

mod outbound;

mod doors;

mod stats;

mod audit;

mod alias;

mod health;

mod welcome;

mod metrics;

mod request_id;

mod client_address;

mod concurrency;

mod secrets;

mod cursor;

mod openapi;

mod webhooks;
