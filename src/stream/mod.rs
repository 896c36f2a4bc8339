//! Out again: what leaves the stream, and how it is told to each reader.
//!
//! Promises that every item looks the same by whichever way it goes out, and that nobody sees what their scopes do not show.
//! Must not know HTTP, or where a reader's position is kept by others.

pub mod mask;

pub mod item;

pub mod tail;

pub mod webhooks;
