//! The operators' files and their page, docs/operations.md, held against what the program does: every option and every metric
//! is where an operator looks for it, and nothing else is.
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
#[path = "support/manual.rs"]
mod manual;
#[path = "deploy/metrics.rs"]
mod metrics;
#[path = "deploy/options.rs"]
mod options;
