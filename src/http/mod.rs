//! The HTTP face: routes, the door that every request walks through, the JSON shapes, the problems.
//!
//! Promises the contract of `docs/api.md`: who may do what is settled before a body is read, and every error is a problem
//! document. Must not know SQL, how keys are stored, or how a lot is written.

pub mod problem;

pub mod errors_page;

mod state;

mod answer;

mod wire;

mod decode;

mod body;

pub mod door;

pub mod doors;

mod intake;

mod repeat;

mod manage;

pub mod cursor;

mod push;

mod contacts;

mod probe;

mod audit;

mod specs;

mod account;

mod me;

mod own_keys;

mod projects;

mod datasources;

mod paging;

mod keys;

mod new_key;

mod audit_log;

mod fading;

mod single_keys;

mod webhooks;

mod catalogue;

mod audience;

mod timeline;

mod stream;

mod live;

mod health;

mod page;

mod welcome;

pub mod action;

pub mod routes;

mod places;

mod worker;

mod client;

pub mod openapi;

mod trace;

mod connection;

mod server;

pub use client::{ForwardedHeader, Proxies};
pub use server::{Options, Server, ServerError};
pub use state::State;
