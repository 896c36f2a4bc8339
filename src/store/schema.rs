//! The schema: embedded migrations, applied by one starter at a time, never backwards.

use super::{Database, Role, StoreError};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Key of the advisory lock that starters queue on; any number, as long as it never changes.
const LOCK: i64 = 0x7469_6465_6761_7465;

/// The newest schema version this binary has.
pub fn known_version() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(|one| one.version()).max().unwrap_or(0)
}

/// The schema version of the database, 0 when it was never migrated.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn version(client: &tokio_postgres::Client) -> Result<i32, StoreError> {
    if client.query_one("select to_regclass('refinery_schema_history') is not null", &[]).await?.get(0) {
        let row = client
            .query_one("select coalesce(max(version), 0)::int from refinery_schema_history", &[])
            .await?;
        return Ok(row.get(0));
    }
    Ok(0)
}

/// Brings the database to the version of this binary and answers how many migrations that took.
///
/// Starters of several nodes queue on an advisory lock, so each migration runs once.
///
/// # Errors
/// [`StoreError::NewerSchema`] when a newer binary has been here; nothing is changed then.
pub async fn migrate(database: &Database) -> Result<usize, StoreError> {
    let mut client = database.connect(Role::Migration).await?;
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let found = version(&client).await?;
    let known = known_version();
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    let report = embedded::migrations::runner().run_async(&mut client).await?;
    // Dropping the connection would free the lock as well, but only once the server has noticed.
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(report.applied_migrations().len())
}
