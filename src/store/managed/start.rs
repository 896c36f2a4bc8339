//! From whatever a data directory holds to a server that answers.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{
    cluster,
    error::ManagedError,
    ground::Ground,
    postmaster::Postmaster,
    probe::{self, Answer},
    process,
};

/// How often a starting server is asked.
const POLL: Duration = Duration::from_millis(30);
/// How long to wait before a start that met the remains of another is tried again.
const REMAINS: Duration = Duration::from_millis(250);
/// How long a running server without a socket may take to make one before it is ended.
const MUTE: Duration = Duration::from_secs(5);
/// A server that says it recovers is given this many times the ordinary time: cut short, recovery would begin
/// again from the same point and never end.
const RECOVERY: u32 = 20;

/// Brings the server up, or takes over the one that is up, and returns it with its major version.
///
/// # Errors
/// [`ManagedError::Start`] with the end of its log, at once when it fails and after `start_timeout` when it hangs.
pub async fn bring_up(ground: &Ground) -> Result<(Postmaster, u32), ManagedError> {
    cluster::prepare(ground).await?;
    let mut start = Start {
        ground,
        postmaster: None,
        log_from: 0,
        begun: Instant::now(),
        retry_at: None,
        recovers: false,
    };
    loop {
        let heard = match probe::ask(&ground.place.sockets).await {
            Answer::Ready(version) => match start.postmaster.take().or_else(|| Postmaster::adopt(ground)) {
                Some(postmaster) => return Ok((postmaster, version)),
                None => "it answers, and its postmaster.pid is gone".to_owned(),
            },
            Answer::NoDatabase => {
                probe::create_database(&ground.place.sockets).await?;
                continue;
            }
            Answer::Busy(text) => {
                start.recovers = true;
                text
            }
            Answer::Silent(text) => {
                start.act().await?;
                text
            }
        };
        start.check_child().await?;
        start.check_time(&heard)?;
        sleep(POLL).await;
    }
}

/// A start in progress.
struct Start<'a> {
    ground: &'a Ground,
    postmaster: Option<Postmaster>,
    /// Where in the log the present attempt begins.
    log_from: u64,
    begun: Instant,
    retry_at: Option<Instant>,
    recovers: bool,
}

impl Start<'_> {
    /// Nobody answers: launches a server, unless one is on its way.
    async fn act(&mut self) -> Result<(), ManagedError> {
        let now = Instant::now();
        if self.postmaster.is_some() || self.retry_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        let place = &self.ground.place;
        if let Some(pid) = process::postmaster_of(&place.cluster) {
            // It runs, and nobody can reach it: its socket was removed, or it is on its way up or down.
            if now.duration_since(self.begun) > MUTE {
                tracing::warn!(%pid, "a managed PostgreSQL that nobody can reach is told to stop");
                process::signal(pid, Signal::INT, &place.cluster)?;
                self.retry_at = Some(now + MUTE);
            }
            return Ok(());
        }
        process::disarm(&place.cluster, &place.sockets)?;
        let (file, from) = self.ground.log.open()?;
        self.log_from = from;
        self.postmaster = Some(Postmaster::launch(self.ground, file)?);
        Ok(())
    }

    /// A child that ended was either in the way of a dying server, which passes, or cannot start at all.
    async fn check_child(&mut self) -> Result<(), ManagedError> {
        let Some(postmaster) = &mut self.postmaster else { return Ok(()) };
        if !postmaster.has_ended()? {
            return Ok(());
        }
        self.postmaster = None;
        let tail = self.ground.log.tail(self.log_from);
        if tail.contains("is still in use") || tail.contains("already exists") {
            self.retry_at = Some(Instant::now() + REMAINS);
            return Ok(());
        }
        Err(self.failed("it ended at once".into()))
    }

    fn check_time(&self, heard: &str) -> Result<(), ManagedError> {
        let timeout = self.ground.start_timeout;
        let allowed = if self.recovers { timeout.saturating_mul(RECOVERY) } else { timeout };
        if self.begun.elapsed() < allowed {
            return Ok(());
        }
        Err(self.failed(format!("no answer within {allowed:?} ({heard})")))
    }

    fn failed(&self, reason: String) -> ManagedError {
        let log = &self.ground.log;
        ManagedError::Start { reason, log: log.path().into(), tail: log.tail(self.log_from) }
    }
}
