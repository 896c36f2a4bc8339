//! Looking after a running server until it is told to stop.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{PORT, error::ManagedError, ground::Ground, postmaster::Postmaster, process, start};

/// How often the socket and the log are looked at.
const ROUND: Duration = Duration::from_secs(5);
/// The pause before the first restart; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between restarts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A server that ran this long gets the first pause again.
const STEADY: Duration = Duration::from_secs(60);

/// Keeps the server running: one that dies is started again, until `stop` is sent or its sender is gone.
///
/// # Errors
/// What stopping the server gave.
pub async fn watch(
    ground: Ground,
    mut postmaster: Postmaster,
    mut stop: oneshot::Receiver<()>,
) -> Result<(), ManagedError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let since = Instant::now();
        tokio::select! {
            _ = &mut stop => return postmaster.stop().await,
            reason = trouble(&ground, &mut postmaster) => {
                tracing::error!(pid = postmaster.pid(), reason, "the managed PostgreSQL failed; starting it again");
            }
        }
        // Nothing to end when it died; when only its socket is gone, the new one has to wait for its end.
        tokio::select! {
            _ = &mut stop => return postmaster.stop().await,
            () = sleep(pause) => {}
        }
        if let Err(error) = postmaster.stop().await {
            tracing::error!(%error, "the failed PostgreSQL did not end");
        }
        if since.elapsed() > STEADY {
            pause = FIRST_PAUSE;
        }
        let Some(next) = revive(&ground, &mut stop, &mut pause).await else {
            // A start that was broken off has told its server to stop; whoever asked for the end waits for it.
            return process::evict(&ground.place.cluster).await;
        };
        postmaster = next;
    }
}

/// Starts the server again, as often as it takes; `None` when told to stop meanwhile.
async fn revive(
    ground: &Ground,
    stop: &mut oneshot::Receiver<()>,
    pause: &mut Duration,
) -> Option<Postmaster> {
    loop {
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        tokio::select! {
            _ = &mut *stop => return None,
            result = start::bring_up(ground) => match result {
                Ok((postmaster, _)) => {
                    tracing::info!(pid = postmaster.pid(), "the managed PostgreSQL is back");
                    return Some(postmaster);
                }
                Err(error) => tracing::error!(%error, retry_in = ?pause, "the managed PostgreSQL does not start"),
            },
        }
        tokio::select! {
            _ = &mut *stop => return None,
            () = sleep(*pause) => {}
        }
    }
}

/// Returns what went wrong, once something has.
async fn trouble(ground: &Ground, postmaster: &mut Postmaster) -> String {
    let socket = ground.place.sockets.join(format!(".s.PGSQL.{PORT}"));
    let mut round = interval(ROUND);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = postmaster.wait() => {
                return ended.map_or_else(|error| error.to_string(), |()| "it ended".into());
            }
            _ = round.tick() => {
                if !socket.exists() {
                    return "its socket was removed".into();
                }
                if let Err(error) = ground.log.bound() {
                    tracing::warn!(%error, "the log of the managed PostgreSQL grows without bound");
                }
            }
        }
    }
}
