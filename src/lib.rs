//! Tidegate: a self-hosted ingest API for customer data.

pub mod telemetry;

pub mod domain;

pub mod store;
