//! Filling an empty database from a backup, and mending what a new cluster breaks.

use std::{io::Seek, time::Duration};

use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use super::{
    Archive, DumpError, Holdings, Progress, RESTORE, Tools, error::At, holdings, program, tools::Program,
};
use crate::store::{
    Database, Role, StoreError,
    audit::{self, Actor},
    epochs, schema,
    tx::Tx,
};

/// How long the sessions of a restore that was broken off may take to end.
const FAREWELL: Duration = Duration::from_secs(30);

/// A database that was restored.
#[derive(Debug, Clone, Copy)]
pub struct Restored {
    /// Its schema version now.
    pub schema_version: i32,
    /// Migrations that were applied after it was filled.
    pub migrations: usize,
    /// What it holds.
    pub holdings: Holdings,
}

/// An empty database that is to be filled. Nobody else can prepare, migrate or restore it meanwhile; a mark in it keeps them
/// out should this process die.
pub struct Site<'d> {
    database: &'d Database,
    /// Holds the lock.
    client: Client,
}

impl<'d> Site<'d> {
    /// Makes sure that the database is empty, or holds only what an unfinished restore left, which is removed; and leaves the
    /// mark.
    ///
    /// # Errors
    /// [`DumpError::NotEmpty`]; [`DumpError::Store`] when the database refuses.
    pub async fn claim(database: &'d Database) -> Result<Self, DumpError> {
        let client = database.connect(Role::Migration).await?;
        schema::lock(&client).await?;
        empty(&client).await?;
        let relations: i64 = client.query_one(sql!("database_contents"), &[]).await?.get(0);
        if relations > 0 {
            return Err(DumpError::NotEmpty { relations });
        }
        client.execute(sql!("restore_mark"), &[]).await?;
        Ok(Self { database, client })
    }

    /// Fills the database from an archive, mends what a new cluster breaks, and takes the mark away.
    ///
    /// # Errors
    /// [`DumpError`]; the site has to be discarded then, as after a fill that was dropped before its end.
    pub async fn fill(
        &mut self,
        tools: &Tools,
        archive: &Archive,
        actor: Actor<'_>,
        now: Timestamp,
        watch: impl FnMut(Progress<'_>),
    ) -> Result<Restored, DumpError> {
        fill(self.database, tools, archive, watch).await?;
        mend(&mut self.client, archive, actor, now).await
    }

    /// Empties the database again; false where nothing was to be removed, because the restore had come to its end.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses, or a session of the restore does not end.
    pub async fn discard(self) -> Result<bool, StoreError> {
        // The connection that holds the lock, so that nobody comes in between; a statement it is in the middle of goes first.
        if !self.client.is_closed() {
            return empty(&self.client).await;
        }
        let client = self.database.connect(Role::Migration).await?;
        schema::lock(&client).await?;
        empty(&client).await
    }
}

/// Removes what an unfinished restore has left; a database without its mark is left alone. The caller holds the lock, so that
/// every session of a restore belongs to a dead one.
async fn empty(client: &Client) -> Result<bool, StoreError> {
    if !client.query_one(sql!("restore_marked"), &[]).await?.get::<_, bool>(0) {
        return Ok(false);
    }
    // A program that outlived the restore could commit after everything was removed.
    let deadline = Instant::now() + FAREWELL;
    while client.query_one(sql!("restore_end_sessions"), &[&RESTORE]).await?.get::<_, i64>(0) > 0 {
        if Instant::now() >= deadline {
            return Err(StoreError::TimedOut(FAREWELL));
        }
        sleep(Duration::from_millis(50)).await;
    }
    client.batch_execute(sql!("restore_discard")).await?;
    Ok(true)
}

/// Runs `pg_restore` over the whole archive, in one transaction.
async fn fill(
    database: &Database,
    tools: &Tools,
    archive: &Archive,
    mut watch: impl FnMut(Progress<'_>),
) -> Result<(), DumpError> {
    let mut command = tools.connected(Program::Restore, database.address(), RESTORE);
    command.args(["--single-transaction", "--exit-on-error", "--verbose"]);
    command.args(["--no-owner", "--no-privileges", "--no-tablespaces", "--no-comments"]);
    command.args(["--no-publications", "--no-subscriptions", "--no-security-labels"]);
    // The name of the database is in the environment; this only says that there is one to connect to.
    command.arg(format!("--dbname=application_name={RESTORE}"));
    let mut file = &archive.file;
    file.rewind().at("read", &archive.path)?;
    command.stdin(archive.file.try_clone().at("read", &archive.path)?);
    let mut step = "the schema".to_owned();
    program::run(command, Program::Restore, |line| {
        if let Some(line) = line {
            line.clone_into(&mut step);
        }
        // The program reads through our own open file, so its place is ours.
        let done = file.stream_position().unwrap_or(0);
        watch(Progress { done, total: archive.bytes, step: &step, written: None });
    })
    .await
}

/// What a new cluster breaks: the schema may be older, transaction ids mean something else, and nothing is known of the
/// tables' contents.
async fn mend(
    client: &mut Client,
    archive: &Archive,
    actor: Actor<'_>,
    now: Timestamp,
) -> Result<Restored, DumpError> {
    let migrations = schema::apply_restored(client).await?;
    let tx = Tx::begin(client, "restore").await?;
    tx.execute(sql!("restore_stamp"), &[]).await?;
    epochs::renumber(&tx, now).await?;
    let note = format!("{} bytes, schema version {}", archive.bytes, archive.schema_version);
    audit::write(&tx, actor, "database.restore", "database", &note).await?;
    tx.commit().await?;
    // Every lot was written anew.
    client.batch_execute("vacuum lot").await?;
    client.batch_execute("analyze").await?;
    let schema_version = schema::version(client).await?.unwrap_or_default();
    let restored = Restored { schema_version, migrations, holdings: holdings(client).await? };
    // Last of all: until then, whatever breaks off is begun anew.
    client.execute(sql!("restore_unmark"), &[]).await?;
    Ok(restored)
}
