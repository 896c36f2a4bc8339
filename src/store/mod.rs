//! The only place that knows PostgreSQL.
