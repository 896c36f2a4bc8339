//! Durable append: many batches, one commit.
//!
//! Promises that a receipt is given only for what PostgreSQL has committed with its WAL flushed, and that any other answer
//! but `OutcomeUnknown` means that nothing of the request was stored. Must not know HTTP, keys or budgets.

mod receipt;

mod rows;

mod job;

mod queue;

mod events;

mod contacts;

mod trust;

mod claims;

mod people;

mod lot;

mod lane;

mod foretell;

mod handle;

pub mod fates;

pub mod ledger;

mod behind;

pub mod upkeep;

pub use handle::{Handle, Options, Writer};
pub use job::{ContactOp, Work};
pub use queue::Room;
pub use receipt::{Outcome, Receipt, Refused};
pub use rows::EventRows;
