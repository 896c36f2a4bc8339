//! A private server in use, and how it is left.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::oneshot, task::JoinHandle};
use tokio_postgres::Config;

use super::{
    DATABASE, GUESTS,
    error::ManagedError,
    ground::Ground,
    lock::{FileLock, Hold},
    postmaster::Postmaster,
    probe, supervise,
};

/// How long a stop waits for those who joined.
pub(super) const FAREWELL: Duration = Duration::from_secs(10);

/// A private server in use.
///
/// Dropped without [`Managed::stop`], a server that we run is told to stop and not waited for.
#[derive(Debug)]
pub struct Managed {
    sockets: PathBuf,
    version: u32,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Runs { guests: PathBuf, supervisor: Supervisor, locks: Vec<FileLock> },
    Joined(FileLock),
}

#[derive(Debug)]
struct Supervisor {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ManagedError>>,
}

impl Managed {
    /// A server that this process runs from now on; `locks` say so as long as they are held.
    pub(super) fn running(
        ground: Ground,
        postmaster: Postmaster,
        version: u32,
        locks: Vec<FileLock>,
    ) -> Self {
        let sockets = ground.place.sockets.clone();
        let guests = ground.place.data_dir.join(GUESTS);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(supervise::watch(ground, postmaster, stopped));
        Self { sockets, version, part: Part::Runs { guests, supervisor: Supervisor { stop, task }, locks } }
    }

    /// A server that another process runs, for as long as `guest` is held.
    pub(super) fn joined(sockets: PathBuf, version: u32, guest: FileLock) -> Self {
        Self { sockets, version, part: Part::Joined(guest) }
    }

    /// How to connect: through the socket, as the superuser, to our database.
    pub fn config(&self) -> Config {
        probe::config(&self.sockets, DATABASE)
    }

    /// The folder of the socket, links resolved.
    pub fn socket_dir(&self) -> &Path {
        &self.sockets
    }

    /// The server's major version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether this process runs the server, rather than having joined it.
    pub fn runs_it(&self) -> bool {
        matches!(self.part, Part::Runs { .. })
    }

    /// Leaves the server. Whoever runs it waits, within bounds, for those who joined, then stops it in order.
    ///
    /// # Errors
    /// [`ManagedError::Stop`] when it does not end, [`ManagedError::Io`] when a lock or signal is refused.
    pub async fn stop(self) -> Result<(), ManagedError> {
        match self.part {
            Part::Joined(guest) => {
                drop(guest);
                Ok(())
            }
            Part::Runs { guests, supervisor, locks } => {
                let alone = FileLock::within(&guests, Hold::Alone, FAREWELL).await?;
                if alone.is_none() {
                    tracing::warn!("commands still use the managed PostgreSQL; they are cut off");
                }
                let result = supervisor.end(&self.sockets).await;
                drop((locks, alone));
                result
            }
        }
    }
}

impl Supervisor {
    async fn end(self, sockets: &Path) -> Result<(), ManagedError> {
        // A supervisor that is gone already cannot hear it; what it returned tells the rest.
        let _ = self.stop.send(());
        self.task.await.unwrap_or_else(|error| {
            let source = std::io::Error::other(error);
            Err(ManagedError::Io { doing: "look after the server of", path: sockets.into(), source })
        })
    }
}
