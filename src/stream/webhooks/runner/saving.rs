//! Writing down how far an endpoint is, and ending.

use std::time::Duration;

use tokio::time::Instant;

use super::{End, Runner};
use crate::store::{
    self,
    webhooks::work::{self, Progress},
};

/// Attempts that may not be written down yet; beyond it nothing is sent.
pub(super) const UNSAVED: usize = 100;

/// How long an attempt may not be written down.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// How often a position is written down that moved over items nobody wants.
const PASS_EVERY: Duration = Duration::from_secs(10);

impl Runner {
    /// When something is to be written down.
    pub(super) fn next_save(&self) -> Option<Instant> {
        let save = self.unsaved_since.map(|since| since + SAVE_EVERY);
        let pass = self.passed_since.map(|since| since + PASS_EVERY);
        [save, pass].into_iter().flatten().min()
    }

    /// Writes down what happened, where it is time.
    pub(super) async fn save_when_due(&mut self) -> Option<End> {
        if self.saved != self.track.position() {
            self.passed_since.get_or_insert_with(Instant::now);
        }
        let idle = self.flights.is_empty() && self.queue.is_empty();
        let late = |since: Option<Instant>, every| since.is_some_and(|since| since.elapsed() >= every);
        let due = self.unsaved_since.is_some()
            && (self.urgent
                || idle
                || self.progress.attempts.len() >= UNSAVED / 2
                || late(self.unsaved_since, SAVE_EVERY));
        let due = due || late(self.passed_since, PASS_EVERY);
        if !due || self.not_before.is_some_and(|moment| moment > Instant::now()) {
            return None;
        }
        self.save().await
    }

    /// Writes down what happened.
    async fn save(&mut self) -> Option<End> {
        let (work, at) = (&self.endpoint.work, (self.track.position(), self.failures));
        let progress = &self.progress;
        let kept =
            store::on(&self.endpoint.rows, async |client| work::keep(client, work, at, progress).await);
        match kept.await {
            Ok(true) => {
                self.saved = at.0;
                self.progress = Progress::default();
                (self.unsaved_since, self.passed_since, self.not_before) = (None, None, None);
                self.urgent = false;
                None
            }
            Ok(false) => Some(End::Lost),
            Err(error) => {
                self.pause("the progress of a webhook could not be written down", &error);
                None
            }
        }
    }

    /// Disables the endpoint, whose receiver wants no more.
    pub(super) async fn disable(mut self) -> End {
        if let Some(end) = self.save().await {
            return end;
        }
        self.endpoint.lag.set(None);
        let work = &self.endpoint.work;
        let reason = "the receiver answered 410: it wants no more; enable the endpoint again when it does";
        match work::disable(&self.endpoint.rows, work, reason).await {
            Ok(_) => {
                tracing::warn!(webhook = %work.id, "a webhook was disabled, because its receiver answered 410");
                End::Disabled
            }
            Err(error) => {
                tracing::warn!(%error, webhook = %work.id, "a webhook could not be disabled");
                End::Told
            }
        }
    }

    /// Waits for what is under way, for a while, and writes down what became of it.
    pub(super) async fn finish(mut self) -> End {
        let deadline = Instant::now() + self.endpoint.grace;
        while let Ok(Some(flown)) = tokio::time::timeout_at(deadline, self.flights.join_next()).await {
            self.land(flown);
        }
        let nothing = self.progress.is_empty() && self.saved == self.track.position();
        if nothing { End::Told } else { self.save().await.unwrap_or(End::Told) }
    }
}
