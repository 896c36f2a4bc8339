//! One server for all the processes of a test run, ended by a small process when the last of them is gone.
//!
//! A test process holds the file `users` shared for its life, and starts a guardian; all but the first guardian
//! find `guardian` locked and end. The guardian runs the server and waits for `users` to be free. It stops the
//! server and removes the folder while it holds `users` alone, so nobody can be using what it removes, and the
//! kernel gives the locks of killed processes back. Servers of single tests (`p-…`) live in the same
//! folder: a PostgreSQL whose folder is removed ends by itself.

use std::{fs, path::Path, time::Duration};

use super::{
    Durability, Managed, ManagedError, Options, Role,
    error::At,
    lock::{FileLock, Hold},
    open,
};

/// The file that every user of the shared server holds shared.
pub const USERS: &str = "users";
/// The data directory of the shared server, inside the folder.
pub const SERVER: &str = "server";
/// The file the one guardian holds.
const GUARDIAN: &str = "guardian";
/// How long the server outlives its last user: `cargo test` runs one binary after the other.
const LINGER: Duration = Duration::from_secs(2);

/// Runs the tests' server in `dir` until nobody uses it, then removes `dir`. Returns at once when another guardian
/// is at work there, or `dir` is gone.
///
/// # Errors
/// [`ManagedError`] when the server cannot be started or stopped, or `dir` cannot be removed.
pub fn guard(dir: &Path) -> Result<(), ManagedError> {
    // We are to outlive the terminal. Only the leader of a process group is refused, and it needs no new one.
    let _ = rustix::process::setsid();
    if !dir.is_dir() {
        return Ok(());
    }
    let Some(duty) = FileLock::attempt(&dir.join(GUARDIAN), Hold::Alone)? else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.at("start a runtime for", dir)?;
    let server = runtime.block_on(open(&options(&dir.join(SERVER)), Role::Owner))?;
    let users = last_user_gone(dir)?;
    close(&runtime, server, dir)?;
    drop((users, duty));
    Ok(())
}

/// How the tests' servers are run: fast, and thrown away.
pub fn options(data_dir: &Path) -> Options {
    Options { durability: Durability::ForTests, ..Options::new(data_dir) }
}

/// Waits until nobody has used the server for a moment, and keeps newcomers out from then on.
fn last_user_gone(dir: &Path) -> Result<FileLock, ManagedError> {
    let users = dir.join(USERS);
    loop {
        FileLock::wait_until_free(&users)?;
        std::thread::sleep(LINGER);
        if let Some(alone) = FileLock::attempt(&users, Hold::Alone)? {
            return Ok(alone);
        }
    }
}

fn close(runtime: &tokio::runtime::Runtime, server: Managed, dir: &Path) -> Result<(), ManagedError> {
    runtime.block_on(server.stop())?;
    discard(&dir.join(SERVER))?;
    fs::remove_dir_all(dir).at("remove", dir)
}

/// Removes the data directory of a tests' server for good, with what was put elsewhere for it.
///
/// # Errors
/// [`ManagedError::Io`] when something cannot be removed.
pub fn discard(data_dir: &Path) -> Result<(), ManagedError> {
    // No link means that nothing is elsewhere.
    let elsewhere = fs::read_link(data_dir.join("run")).ok();
    let home = elsewhere.as_deref().and_then(Path::parent).filter(|home| home.exists());
    for folder in home.into_iter().chain(data_dir.exists().then_some(data_dir)) {
        fs::remove_dir_all(folder).at("remove", folder)?;
    }
    Ok(())
}
