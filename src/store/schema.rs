//! The schema: embedded migrations, applied by one starter at a time, never backwards.
//!
//! Migrations expand first and contract later (`docs/decisions/0014-migrations-expand-then-contract.md`), so a binary goes on
//! working on a newer schema until a migration raises `schema_floor` above the version that the binary knows.

use tokio_postgres::Client;

use super::{Database, Role, StoreError};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Key of the advisory lock that starters queue on, a restore holds and backups share; any number, as long as it never
/// changes.
const LOCK: i64 = 0x7469_6465_6761_7465;

/// How the schema of a database stands to this binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was never migrated.
    Empty,
    /// Migrations are pending.
    Older {
        /// The version in the database.
        found: i32,
    },
    /// It is this binary's own.
    Current,
    /// A newer binary has been here, and this one may still work.
    Newer {
        /// The version in the database.
        found: i32,
    },
    /// A newer binary has been here, and has taken away what this one needs.
    Beyond {
        /// The version in the database.
        found: i32,
    },
}

/// The newest schema version this binary has.
pub fn known_version() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(|one| one.version()).max().unwrap_or(0)
}

/// Judges a schema by its version, `None` where it was never migrated, and by the oldest version that may work on it.
pub fn judge(found: Option<i32>, oldest: i32) -> Standing {
    let known = known_version();
    match found {
        None => Standing::Empty,
        Some(found) if oldest > known => Standing::Beyond { found },
        Some(found) if found > known => Standing::Newer { found },
        Some(found) if found < known => Standing::Older { found },
        Some(_) => Standing::Current,
    }
}

/// The schema version of the database, `None` when it was never migrated.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn version(client: &Client) -> Result<Option<i32>, StoreError> {
    if !exists(client, "refinery_schema_history").await? {
        return Ok(None);
    }
    Ok(client.query_one("select max(version)::int from refinery_schema_history", &[]).await?.get(0))
}

/// How the schema of the database stands to this binary.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked, or holds what a restore left unfinished.
pub async fn standing(client: &Client) -> Result<Standing, StoreError> {
    if exists(client, "unfinished_restore").await? {
        return Err(StoreError::UnfinishedRestore);
    }
    weigh(client).await
}

async fn weigh(client: &Client) -> Result<Standing, StoreError> {
    let found = version(client).await?;
    let oldest = if exists(client, "schema_floor").await? {
        client.query_one("select coalesce(max(version), 0)::int from schema_floor", &[]).await?.get(0)
    } else {
        0
    };
    Ok(judge(found, oldest))
}

async fn exists(client: &Client, table: &str) -> Result<bool, StoreError> {
    Ok(client.query_one("select to_regclass($1) is not null", &[&table]).await?.get(0))
}

/// Brings the database to the version of this binary and answers how many migrations that took.
///
/// Starters of several nodes queue on an advisory lock, so each migration runs once, and none while a backup or a restore is at
/// work.
///
/// # Errors
/// [`StoreError::NewerSchema`] when a newer binary has been here and this one can no longer work: nothing is changed then.
/// [`StoreError::UnfinishedRestore`] as it says.
pub async fn migrate(database: &Database) -> Result<usize, StoreError> {
    let mut client = database.connect(Role::Migration).await?;
    // Without the lock: whoever has nothing to do waits for nobody.
    if let Ok(Standing::Current | Standing::Newer { .. }) = standing(&client).await {
        return apply(&mut client).await;
    }
    lock(&client).await?;
    let applied = apply(&mut client).await;
    // Dropping the connection would free the lock as well, but only once the server has noticed.
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    applied
}

/// As [`migrate`], for commands: they prepare an empty database, and leave an older one to those who say that it is to be
/// migrated, because a running server of an older version may be at work on it.
///
/// # Errors
/// As [`migrate`], and [`StoreError::OlderSchema`].
pub async fn prepare(database: &Database) -> Result<usize, StoreError> {
    if let Standing::Older { found } = standing(&database.connect(Role::Command).await?).await? {
        return Err(StoreError::OlderSchema { found, known: known_version() });
    }
    migrate(database).await
}

/// Waits until no other starter, backup or restore is at work, and keeps them waiting until the session ends.
pub(super) async fn lock(client: &Client) -> Result<(), StoreError> {
    if !client.query_one("select pg_try_advisory_lock($1)", &[&LOCK]).await?.get::<_, bool>(0) {
        tracing::info!("waiting for another process that migrates, backs up or restores this database");
        client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    }
    Ok(())
}

/// Keeps migrations waiting until the session ends, beside others who ask for the same.
pub(super) async fn keep(client: &Client) -> Result<(), StoreError> {
    client.execute("select pg_advisory_lock_shared($1)", &[&LOCK]).await?;
    Ok(())
}

async fn apply(client: &mut Client) -> Result<usize, StoreError> {
    let standing = standing(client).await?;
    bring_up(client, standing).await
}

/// Applies what is pending to a database that is being restored; the caller holds the lock.
pub(super) async fn apply_restored(client: &mut Client) -> Result<usize, StoreError> {
    let standing = weigh(client).await?;
    bring_up(client, standing).await
}

async fn bring_up(client: &mut Client, standing: Standing) -> Result<usize, StoreError> {
    match standing {
        Standing::Beyond { found } => Err(StoreError::NewerSchema { found, known: known_version() }),
        Standing::Newer { found } => {
            let known = known_version();
            tracing::warn!(found, known, "the schema is newer than this binary, which may still work on it");
            Ok(0)
        }
        Standing::Current => Ok(0),
        Standing::Empty | Standing::Older { .. } => {
            Ok(embedded::migrations::runner().run_async(client).await?.applied_migrations().len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_judged_by_its_version_and_its_floor() {
        let known = known_version();
        for (found, oldest, wanted) in [
            (None, 0, Standing::Empty),
            (Some(known - 1), 1, Standing::Older { found: known - 1 }),
            (Some(known), known, Standing::Current),
            (Some(known + 3), known, Standing::Newer { found: known + 3 }),
            (Some(known + 3), known + 1, Standing::Beyond { found: known + 3 }),
        ] {
            assert_eq!(judge(found, oldest), wanted);
        }
    }
}
