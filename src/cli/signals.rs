//! The signals by which a person, a terminal that is closed or a system asks a long command to end.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for them from when it is made.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Begins to listen; from then on they end nothing by themselves.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn new() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("signals cannot be listened to");
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
