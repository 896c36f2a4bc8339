//! What an import writes through: a writer of its own on the database, beside whatever server is at work on it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
    time::timeout,
};

use super::send::Sender;
use crate::{
    auth::{self, Authority},
    cli::opened::Opened,
    domain::{caps::Caps, clock::SharedClock, ids::Inlet},
    ingest::{self, Writer, ledger::Ledger},
    store::{Role, StoreError, partitions, schema},
};

/// How long the writer may take to connect.
const PATIENCE: Duration = Duration::from_secs(10);

/// The stations of an import, running.
pub(super) struct Station {
    pub(super) authority: Authority,
    pub(super) sender: Arc<Sender>,
    end_writer: watch::Sender<bool>,
    end_rest: watch::Sender<bool>,
    writing: JoinHandle<()>,
    rest: [JoinHandle<()>; 2],
}

impl Station {
    /// Puts them together over a database whose schema is up to date.
    ///
    /// # Errors
    /// When the database cannot be asked, or has no datasource of this uid.
    pub(super) async fn open(
        opened: &Opened,
        clock: SharedClock,
        datasource: &str,
        caps: &Caps,
        unknown: String,
    ) -> anyhow::Result<Self> {
        let database = &opened.database;
        schema::prepare(database).await?;
        let meta = database.pool(Role::Meta, 2)?;
        let reads = database.pool(Role::Read, 1)?;
        // A server makes them ahead of time; there may be none.
        partitions::ensure(&*meta.get().await.map_err(StoreError::from)?, clock.now()).await?;
        let authority = Authority::load(database.pool(Role::Meta, 1)?, clock.clone()).await?;
        let Some((project, found)) = authority.datasource_here(datasource) else { bail!(unknown) };
        let inlet = Inlet { project: project.id, datasource: found.id };
        let ledger = Ledger::new(meta, reads.clone(), clock.clone());
        let options = ingest::Options { contact_bytes: caps.contact_bytes, ..ingest::Options::default() };
        let (writer, handle) = Writer::new(
            options,
            database.clone(),
            reads,
            ledger.clone(),
            clock.clone(),
            opened.entropy.clone(),
        );
        let (end_writer, writer_ends) = watch::channel(false);
        let (end_rest, rest_ends) = watch::channel(false);
        let writing = tokio::spawn(writer.run(writer_ends));
        let rest = [
            tokio::spawn(authority.clone().run(auth::Options::default(), rest_ends.clone())),
            tokio::spawn(ledger.clone().run(rest_ends)),
        ];
        let sender = Arc::new(Sender { authority: authority.clone(), handle, ledger, clock, inlet });
        let station = Self { authority, sender, end_writer, end_rest, writing, rest };
        if timeout(PATIENCE, station.sender.handle.connected()).await.is_err() {
            station.close().await?;
            bail!("no connection to the database within {} s", PATIENCE.as_secs());
        }
        Ok(station)
    }

    /// Writes what waits and what was gathered, and ends.
    ///
    /// # Errors
    /// When a task broke.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.end_writer.send_replace(true);
        let written = self.writing.await;
        self.end_rest.send_replace(true);
        let mut ended: Vec<Result<(), JoinError>> = vec![written];
        for task in self.rest {
            ended.push(task.await);
        }
        ended.into_iter().collect::<Result<(), _>>().context("a task broke")
    }
}
