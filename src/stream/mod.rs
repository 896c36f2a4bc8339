//! Out again: what came in, in one order, by pages, live and by webhooks.
//!
//! Promises that nothing is left out and nothing changes its place. 
//! Must not know HTTP routes, keys' texts or how a lot was written.

pub mod webhooks;
