//! The OpenAPI document: every route described, from the table of routes, the closed list of codes and the types that go over the
//! wire.
//!
//! Promises that the document and the routes are the same list, and that every status of every route has an example.
//! Must not know how a route does what it does.

mod described;

mod operations;

mod examples;

mod parameters;

mod headers;

mod refusals;

mod security;

mod document;

pub use document::document;
