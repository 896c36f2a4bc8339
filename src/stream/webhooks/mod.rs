//! Webhooks: signed pushes of the stream to receivers elsewhere (Standard Webhooks).
//!
//! Promises that each message of an endpoint is delivered at least once or kept as a dead letter, in the order of the stream, whatever
//! ends in between, and that no address is dialled that must not be. Must not know who manages endpoints or how they are shown.

pub mod address;

pub mod dial;

pub mod line;

pub mod message;

pub mod schedule;

pub mod secrets;

pub mod signing;
