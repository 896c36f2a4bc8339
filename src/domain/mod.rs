//! What flows: identifiers, contacts, events, their specs, batches, rejections, limits and time.
//!
//! Promises that a value of these types is safe to store and to send out again.
//! Must not know HTTP, SQL, files or the network.

pub mod clock;

pub mod ids;

pub mod budget;
