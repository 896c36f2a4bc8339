//! The whole database into one file and back, by PostgreSQL's own `pg_dump` and `pg_restore`.
//! Promises a consistent file or none, a whole database or an empty one, and no password on a command line.
//! Must not know what the tables mean: what a new cluster breaks is mended by `schema` and `epochs`.

mod archive;

mod backup;

mod error;

mod program;

mod restore;

mod target;

mod tools;

use tokio_postgres::GenericClient;

use super::StoreError;

pub use archive::Archive;
pub use backup::{Backup, backup};
pub use error::DumpError;
pub use restore::{Restored, Site};
pub use target::Target;
pub use tools::Tools;

/// How the sessions of a backup call themselves in `pg_stat_activity`.
const BACKUP: &str = "tidegate-backup";

/// How the sessions of a restore call themselves in `pg_stat_activity`.
const RESTORE: &str = "tidegate-restore";

/// How far a backup or a restore is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Bytes that are done: of the tables for a backup, of the file for a restore.
    pub done: u64,
    /// Bytes in all; 0 where there is nothing to count.
    pub total: u64,
    /// What is at work, such as a table.
    pub step: &'a str,
    /// Bytes written to the file, for a backup.
    pub written: Option<u64>,
}

/// What the database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holdings {
    /// Events, as the lots count them.
    pub events: i64,
    /// Contacts, as the lots count them.
    pub contacts: i64,
}

async fn holdings(client: &impl GenericClient) -> Result<Holdings, StoreError> {
    let row = client.query_one(sql!("holdings"), &[]).await?;
    Ok(Holdings { events: row.get(0), contacts: row.get(1) })
}
