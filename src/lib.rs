//! Tidegate: a self-hosted ingest API for customer data.

pub mod telemetry;

pub mod domain;

pub mod store;

pub mod auth;

pub mod limit;

pub mod ingest;

pub mod http;

pub mod config;

pub mod cli;
