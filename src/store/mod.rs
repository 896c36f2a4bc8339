//! The only place that knows PostgreSQL: connections, transactions, the schema, one file per family of tables.
//!
//! Promises that nothing but `tx` commits, that every statement is a named file under `sql/`, and that no connection is
//! without time limits. Must not know keys' texts, budgets, HTTP, or which answer a failure becomes.

/// The text of a named statement, `sql/<name>.sql`.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sql/", $name, ".sql"))
    };
    ($name:ident) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sql/", stringify!($name), ".sql"))
    };
}

mod error;

pub mod managed;

pub(crate) mod tls;

mod lease;

mod connect;

pub mod schema;

pub mod tx;

pub mod wire;

pub mod epochs;

pub mod partitions;

pub mod lane;

pub mod log;

pub mod lots;

pub mod fate;

pub mod contacts;

pub mod audience;

pub mod people;

mod pages;

pub mod timeline;

pub mod activity;

pub mod conversations;

pub mod outbound;

pub mod summaries;

pub mod closed;

pub mod changes;

mod caller;

pub mod keys;

pub mod users;

pub mod key_list;

pub mod uses;

pub mod sealed;

pub mod webhooks;

pub mod specs;

pub mod projects;

pub mod datasources;

pub mod audit;

pub mod idempotency;

pub mod usage;

pub mod rejected;

pub mod totals;

pub mod sums;

pub mod tally;

pub mod purge;

pub mod retention;

pub mod erase;

pub mod horizon;

pub mod dump;

pub use connect::{Database, Role, ServerFacts};
pub use deadpool_postgres::Pool;
pub use error::{Failure, StoreError};
pub use lease::on;
