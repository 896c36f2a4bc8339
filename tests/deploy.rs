//! The operators' files and their pages, docs/operations.md and docs/keys.md, held against what the program does: every option,
//! metric, scope and kind of key is where an operator looks for it, and nothing else is.
//!
//! What the programs that read these files have to say of them is asked by `.ci/check-deploy`.

// clippy.toml allows these inside test functions only, and tests have helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "deploy/alerts.rs"]
mod alerts;
#[path = "deploy/dashboard.rs"]
mod dashboard;
#[path = "deploy/expressions.rs"]
mod expressions;
#[path = "deploy/keys.rs"]
mod keys;
#[path = "support/manual.rs"]
mod manual;
#[path = "deploy/metrics.rs"]
mod metrics;
#[path = "deploy/options.rs"]
mod options;
