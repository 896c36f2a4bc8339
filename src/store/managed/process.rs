//! Which processes run a cluster, and the pid file that PostgreSQL finds after a crash.

use std::{
    fs, io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
    process::Command,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::{Instant, sleep};

use super::{
    PORT,
    error::{At, ManagedError},
};

/// How often a process that should end is looked at.
const POLL: Duration = Duration::from_millis(50);
/// How long a server that lost its data directory may take to end.
const EVICTION: Duration = Duration::from_secs(20);
/// A process number that no system gives out.
const NOBODY: i32 = i32::MAX;

/// The postmaster that runs this cluster now, if one does.
pub fn postmaster_of(cluster: &Path) -> Option<Pid> {
    recorded(cluster).filter(|pid| runs(*pid, cluster))
}

/// The process that `postmaster.pid` names, alive or not.
fn recorded(cluster: &Path) -> Option<Pid> {
    // No file means no server; a half-written one is seen whole at the next look.
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

/// Whether a process is PostgreSQL at work in this cluster: numbers are reused, above all in containers.
pub fn runs(pid: Pid, cluster: &Path) -> bool {
    if Path::new("/proc/self/cwd").exists() {
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == cluster);
    }
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| {
        let name = cluster.as_os_str().as_bytes();
        output.stdout.windows(name.len().max(1)).any(|window| window == name)
    })
}

/// Makes the leftovers of a dead server harmless; the caller knows that no postmaster runs.
///
/// A pid file whose number now belongs to a foreign process would stop PostgreSQL for ever. Only that number is
/// changed: the rest of the file is how PostgreSQL notices that backends of the dead postmaster are still there.
///
/// # Errors
/// [`ManagedError::Io`] when a file cannot be changed.
pub fn disarm(cluster: &Path, sockets: &Path) -> Result<(), ManagedError> {
    for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
        let path = sockets.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at("remove", path),
            _ => {}
        }
    }
    let Some(pid) = recorded(cluster) else { return Ok(()) };
    if test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
        return Ok(());
    }
    let path = cluster.join("postmaster.pid");
    let text = fs::read_to_string(&path).at("read", &path)?;
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    tracing::warn!(%pid, "the pid file of the managed PostgreSQL names a foreign process; corrected");
    fs::write(&path, format!("{NOBODY}\n{rest}")).at("write", path)
}

/// Asks a process to act on a signal; one that is gone already is no error.
///
/// # Errors
/// [`ManagedError::Io`] when the signal is refused.
pub fn signal(pid: Pid, signal: Signal, cluster: &Path) -> Result<(), ManagedError> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(io::Error::from(error)).at("signal the server of", cluster),
    }
}

/// Waits until a process no longer runs the cluster; false when `patience` was over first.
pub async fn gone(pid: Pid, cluster: &Path, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while runs(pid, cluster) {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(POLL).await;
    }
    true
}

/// Ends the server that still runs in a cluster nobody owns any more.
///
/// # Errors
/// [`ManagedError::Stop`] when it does not end.
pub async fn evict(cluster: &Path) -> Result<(), ManagedError> {
    let Some(pid) = postmaster_of(cluster) else { return Ok(()) };
    signal(pid, Signal::INT, cluster)?;
    if gone(pid, cluster, EVICTION).await {
        return Ok(());
    }
    Err(ManagedError::Stop { pid: pid.as_raw_nonzero().get().unsigned_abs(), waited: EVICTION })
}

/// Ends servers whose cluster was deleted under them. They would notice within a minute, and on their way out
/// remove the socket of the server that took their place.
///
/// # Errors
/// [`ManagedError::Stop`] when one does not end.
pub async fn evict_ghosts(cluster: &Path) -> Result<(), ManagedError> {
    let mut name = cluster.as_os_str().to_os_string().into_vec();
    name.extend_from_slice(b" (deleted)");
    let ghost = Path::new(std::ffi::OsStr::from_bytes(&name));
    // Only Linux tells; elsewhere the supervisor's watch on the socket repairs the damage.
    let Ok(processes) = fs::read_dir("/proc") else { return Ok(()) };
    let pids =
        processes.flatten().filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let ghosts: Vec<Pid> = pids.filter(|pid| runs(*pid, ghost) && is_postgres(*pid)).collect();
    for pid in &ghosts {
        signal(*pid, Signal::QUIT, cluster)?;
    }
    for pid in ghosts {
        if !gone(pid, ghost, EVICTION).await {
            return Err(ManagedError::Stop {
                pid: pid.as_raw_nonzero().get().unsigned_abs(),
                waited: EVICTION,
            });
        }
    }
    Ok(())
}

fn is_postgres(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
}
