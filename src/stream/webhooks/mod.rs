//! Webhooks: signed pushes of the stream to receivers elsewhere (Standard Webhooks).
//!
//! Promises that each message of an endpoint is delivered at least once or kept as a dead letter, in the order of the stream, whatever
//! ends in between, and that no address is dialled that must not be. Must not know who manages endpoints or how they are shown.

pub mod address;

pub mod dial;

mod line;

pub mod schedule;

pub mod signing;

pub mod secrets;

pub mod message;

pub mod rules;

mod track;

mod endpoint;

mod runner;

mod station;

pub mod standing;

mod tester;

pub use endpoint::{item_at, takes};
pub use station::{Means, Options, Station};
pub use tester::Tester;
