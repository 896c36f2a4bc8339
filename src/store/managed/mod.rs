//! A private PostgreSQL for whoever has none to point us at: found on the machine, made, started, stopped.
//! Promises one owner a data directory, `fsync` on, and a server that comes back by itself when it dies.
//! Must not know tables, pools or HTTP: it hands out a connection configuration and nothing else.
//!
//! In a data directory: `pg` (the cluster; `pg/local.conf` takes an operator's own settings), `run` (the socket),
//! `pg.log`, and three locks: `lock` (who runs the server), `lock.serve` (the one `serve`), `lock.guests` (who
//! joined). `pg` and `run` are links when PostgreSQL's user cannot get there or the socket's path is too long.

mod cluster;
pub mod discover;
mod error;
mod ground;
pub mod guardian;
mod handle;
pub mod lock;
mod log;
mod machine;
mod options;
mod place;
mod postmaster;
mod probe;
mod process;
mod settings;
mod shelter;
mod start;
mod supervise;
mod user;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use self::{
    ground::Ground,
    handle::FAREWELL,
    lock::{FileLock, Hold},
    probe::Answer,
};

pub use self::{
    error::ManagedError,
    handle::Managed,
    options::{Durability, Options, Role},
};

/// The port in the socket's name; the server listens on no network.
pub const PORT: u16 = 5432;
/// The name of the superuser and of the database.
pub const DATABASE: &str = "tidegate";

/// How often a server that is on its way up or down is looked at.
const POLL: Duration = Duration::from_millis(50);
/// How long `serve` waits for a command that runs the server to end.
const HANDOVER: Duration = Duration::from_secs(30);
/// The lock of those who joined a running server, in the data directory.
const GUESTS: &str = "lock.guests";

/// Opens the private server of a data directory: starts it when nobody runs it, joins it when another process of
/// ours does.
///
/// # Errors
/// [`ManagedError`], each with what to change: no PostgreSQL installed, the data directory in use, a start that
/// failed with the end of its log.
pub async fn open(options: &Options, role: Role) -> Result<Managed, ManagedError> {
    let data_dir = place::data_dir(&options.data_dir)?;
    match role {
        Role::Owner => own(options, data_dir).await,
        Role::Guest => join_or_run(options, data_dir).await,
    }
}

async fn own(options: &Options, data_dir: PathBuf) -> Result<Managed, ManagedError> {
    let (serve, lock) = (data_dir.join("lock.serve"), data_dir.join("lock"));
    let busy = |path: &Path, what: &str| ManagedError::Busy {
        data_dir: data_dir.clone(),
        owner: format!("{what} ({})", lock::holder(path)),
    };
    let Some(mut one) = FileLock::attempt(&serve, Hold::Alone)? else {
        return Err(busy(&serve, "another server"));
    };
    one.sign()?;
    let Some(two) = FileLock::within(&lock, Hold::Alone, HANDOVER).await? else {
        return Err(busy(&lock, "a command that does not end"));
    };
    run(options, data_dir, vec![two, one]).await
}

async fn join_or_run(options: &Options, data_dir: PathBuf) -> Result<Managed, ManagedError> {
    let (lock, guests) = (data_dir.join("lock"), data_dir.join(GUESTS));
    let deadline = Instant::now() + options.start_timeout + FAREWELL;
    loop {
        if let Some(lock) = FileLock::attempt(&lock, Hold::Alone)? {
            return run(options, data_dir, vec![lock]).await;
        }
        let mut heard = "it is stopping".to_owned();
        // A server about to stop holds this lock alone, so nobody joins one that is on its way down.
        if let Some(guest) = FileLock::attempt(&guests, Hold::Shared)? {
            let sockets = place::sockets_of(&data_dir).unwrap_or_else(|| data_dir.join("run"));
            match probe::ask(&sockets).await {
                Answer::Ready(version) => return Ok(Managed::joined(sockets, version, guest)),
                Answer::NoDatabase => "it has no database yet".clone_into(&mut heard),
                Answer::Busy(text) | Answer::Silent(text) => heard = text,
            }
        }
        if Instant::now() >= deadline {
            let owner = format!("{}, and its PostgreSQL cannot be joined ({heard})", lock::holder(&lock));
            return Err(ManagedError::Busy { data_dir, owner });
        }
        sleep(POLL).await;
    }
}

/// Runs the server; the first of `locks` is the one that says so.
async fn run(
    options: &Options,
    data_dir: PathBuf,
    mut locks: Vec<FileLock>,
) -> Result<Managed, ManagedError> {
    if let Some(lock) = locks.first_mut() {
        lock.sign()?;
    }
    let ground = Ground::settle(options, &data_dir).await?;
    let (postmaster, version) = start::bring_up(&ground).await?;
    tracing::info!(version, pid = postmaster.pid(), folder = %ground.place.cluster.display(), "managed PostgreSQL runs");
    Ok(Managed::running(ground, postmaster, version, locks))
}
