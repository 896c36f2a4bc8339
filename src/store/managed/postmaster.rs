//! One running postmaster, started by us or found running, and how it is ended.

use std::{
    io,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tokio::{process::Child, time::timeout};

use super::{
    PORT, cluster,
    error::{At, ManagedError},
    ground::Ground,
    process,
};

/// How long a fast shutdown, which writes a checkpoint, may take before the server is ended without one.
const FAST: Duration = Duration::from_secs(60);
/// How long the end without a checkpoint may take.
const IMMEDIATE: Duration = Duration::from_secs(10);
/// How long to wait at a time for a process that is not our child.
const GLANCE: Duration = Duration::from_secs(3600);

/// A postmaster. Dropped, it is told to stop without being waited for.
#[derive(Debug)]
pub struct Postmaster {
    pid: Pid,
    cluster: PathBuf,
    /// Absent when another process started it.
    child: Option<Child>,
    ended: bool,
}

impl Postmaster {
    /// Starts the server; it is ready only when it answers.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when it cannot be started.
    pub fn launch(ground: &Ground, log: std::fs::File) -> Result<Self, ManagedError> {
        let place = &ground.place;
        // The value is a list: quotes keep a comma in the path from splitting it.
        let sockets = place.sockets.display().to_string().replace('"', "\"\"");
        let mut command = Command::new(ground.binaries.postgres());
        command.arg("-D").arg(&place.cluster).args(["-p", &PORT.to_string(), "-c", "listen_addresses="]);
        command.arg("-c").arg(format!("unix_socket_directories=\"{sockets}\""));
        cluster::dress(ground, &mut command, &place.cluster);
        let also = log.try_clone().at("open", ground.log.path())?;
        command.stdin(Stdio::null()).stdout(log).stderr(also);
        // Ctrl-C reaches our whole process group; the server has to outlive our own orderly end.
        let mut command = tokio::process::Command::from(command);
        let child = command.process_group(0).spawn().at("start", ground.binaries.postgres())?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| io::Error::other("it has no process number"));
        let pid = pid.at("start", ground.binaries.postgres())?;
        Ok(Self { pid, cluster: place.cluster.clone(), child: Some(child), ended: false })
    }

    /// Takes over a server that a dead process of ours has left running.
    pub fn adopt(ground: &Ground) -> Option<Self> {
        let cluster = ground.place.cluster.clone();
        let pid = process::postmaster_of(&cluster)?;
        Some(Self { pid, cluster, child: None, ended: false })
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Whether it has ended, without waiting.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when the operating system does not tell.
    pub fn has_ended(&mut self) -> Result<bool, ManagedError> {
        if !self.ended {
            self.ended = match &mut self.child {
                Some(child) => child.try_wait().at("look after the server of", &self.cluster)?.is_some(),
                None => !process::runs(self.pid, &self.cluster),
            };
        }
        Ok(self.ended)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// As [`Postmaster::has_ended`].
    pub async fn wait(&mut self) -> Result<(), ManagedError> {
        if !self.ended {
            match &mut self.child {
                Some(child) => {
                    child.wait().await.at("look after the server of", &self.cluster)?;
                }
                None => while !process::gone(self.pid, &self.cluster, GLANCE).await {},
            }
            self.ended = true;
        }
        Ok(())
    }

    /// Ends it in order: sessions are cut off, a checkpoint is written. When that takes too long it is ended
    /// without the checkpoint, which costs time at the next start and no data.
    ///
    /// # Errors
    /// [`ManagedError::Stop`] when it survives both.
    pub async fn stop(mut self) -> Result<(), ManagedError> {
        for (how, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
            if self.has_ended()? {
                return Ok(());
            }
            process::signal(self.pid, how, &self.cluster)?;
            match timeout(patience, self.wait()).await {
                Ok(done) => return done,
                Err(_) => tracing::warn!(
                    pid = self.pid(),
                    ?how,
                    ?patience,
                    "the managed PostgreSQL is slow to stop"
                ),
            }
        }
        // Another signal at drop would change nothing.
        self.ended = true;
        Err(ManagedError::Stop { pid: self.pid(), waited: FAST + IMMEDIATE })
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        if self.has_ended().unwrap_or(true) {
            return;
        }
        if let Err(error) = process::signal(self.pid, Signal::INT, &self.cluster) {
            tracing::warn!(pid = self.pid(), %error, "the managed PostgreSQL was left running");
        }
    }
}
