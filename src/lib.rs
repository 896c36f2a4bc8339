//! Tidegate: a self-hosted ingest API for customer data.

pub mod telemetry;

pub mod domain;

pub mod store;

pub mod auth;

pub mod limit;

pub mod ingest;
