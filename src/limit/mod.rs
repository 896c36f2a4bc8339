//! How much a caller may still ask for: budgets per datasource or project and class, requests per minute.
//!
//! Promises that what it says (remaining, reset, retry-after) is exact for the request it lets through or turns away.
//! Must not know HTTP: who may act was settled by `auth`, and header lines are written by `http`.

mod plans;

mod budget;

mod owners;

mod limiter;

pub use budget::{Budget, Verdict};
pub use limiter::{Limiter, Owner, Pass, SWEEP_EVERY, Spent};
pub use plans::{default_per_minute, per_minute};
