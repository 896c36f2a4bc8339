//! What becomes of each attempt: settled, to be sent again, or given up.

use jiff::Timestamp;
use tokio::{task::JoinError, time::Instant};

use super::{
    super::{
        endpoint::{Flown, Sent, What},
        message::Verdict,
    },
    PAUSE, Runner,
};
use crate::{
    store::webhooks::{
        record::Attempt,
        work::{Buried, Pending},
    },
    telemetry::{self, Counter},
};

impl Runner {
    /// Notes what became of an attempt.
    pub(super) fn land(&mut self, flown: Result<Flown, JoinError>) {
        let Ok(flown) = flown else {
            // A defect; its message is fetched anew when the endpoint is opened again.
            tracing::error!(webhook = %self.endpoint.work.id, "a delivery broke");
            (self.broken, self.urgent) = (true, true);
            return;
        };
        self.flying.remove(&flown.what.cursor());
        match flown.sent {
            Sent::Tried(attempt, verdict) => self.judge(&flown.what, attempt, verdict),
            Sent::Gone => self.lose(&flown.what),
            Sent::Broken(attempt) => {
                self.fail(attempt.at);
                self.bury(&flown.what, &attempt);
                self.note(attempt);
            }
            Sent::Held => {
                let now = self.endpoint.clock.now();
                let next_at = now.saturating_add(PAUSE).unwrap_or(now);
                self.wait(&flown.what, flown.what.attempts(), next_at);
            }
        }
    }

    /// Notes what a receiver said, or did not.
    fn judge(&mut self, what: &What, attempt: Attempt, verdict: Verdict) {
        let now = self.endpoint.clock.now();
        telemetry::count_of(Counter::WebhookAttempts, "result", verdict.name());
        match verdict {
            Verdict::Delivered => {
                self.failures = 0;
                self.progress.success_at = Some(attempt.at);
                self.settle(what);
            }
            Verdict::Failed(asked) => {
                self.fail(attempt.at);
                match self.endpoint.wait(attempt.attempt, asked) {
                    Some(wait) => self.wait(what, attempt.attempt, now.saturating_add(wait).unwrap_or(now)),
                    None => self.bury(what, &attempt),
                }
            }
            Verdict::Unwanted => {
                self.fail(attempt.at);
                self.wait(what, attempt.attempt, now);
                self.unwanted = true;
            }
        }
        self.note(attempt);
    }

    fn note(&mut self, attempt: Attempt) {
        self.progress.attempts.push(attempt);
        self.unsaved_since.get_or_insert_with(Instant::now);
    }

    fn fail(&mut self, at: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.progress.failure_at = Some(at);
        self.urgent = true;
    }

    /// Gives up a message about what is no longer kept; a dead letter stays one.
    fn lose(&mut self, what: &What) {
        tracing::warn!(webhook = %self.endpoint.work.id, "a message that waited is past its retention, or was purged");
        self.settle(what);
        self.progress.exhumed.retain(|exhumed| *exhumed != what.cursor());
        self.skip();
    }

    fn settle(&mut self, what: &What) {
        let cursor = what.cursor();
        match what {
            What::Fresh(_) => self.track.settle(cursor),
            What::Again(pending) => {
                self.waiting.remove(&cursor);
                // It may have failed before it was taken, with neither written down yet.
                self.progress.waiting.retain(|waiting| waiting.cursor != cursor);
                self.progress.settled.push(cursor);
                if pending.by_hand {
                    self.progress.exhumed.push(cursor);
                }
            }
        }
    }

    fn wait(&mut self, what: &What, attempts: i32, next_at: Timestamp) {
        let cursor = what.cursor();
        let pending = match what {
            What::Fresh(item) => {
                self.track.settle(cursor);
                Pending { cursor, attempts, next_at, received_at: item.received_at, by_hand: false }
            }
            What::Again(pending) => Pending { attempts, next_at, ..*pending },
        };
        self.waiting.insert(cursor, pending);
        self.progress.waiting.retain(|waiting| waiting.cursor != cursor);
        self.progress.waiting.push(pending);
        self.unsaved_since.get_or_insert_with(Instant::now);
        if self.is_blocked() {
            // For hours, perhaps, and nobody may erase what this node only remembers.
            self.drop_queue();
        }
    }

    fn bury(&mut self, what: &What, attempt: &Attempt) {
        telemetry::count(Counter::WebhookDeadLetters, 1);
        self.settle(what);
        let cursor = what.cursor();
        self.progress.exhumed.retain(|exhumed| *exhumed != cursor);
        self.progress.buried.push(Buried {
            cursor,
            at: self.endpoint.clock.now(),
            kind: attempt.kind.clone(),
            attempts: attempt.attempt,
            status: attempt.status,
            error: attempt.error.clone(),
        });
    }

    /// Notes that what is no longer kept was passed over.
    pub(super) fn skip(&mut self) {
        self.progress.skipped_at = Some(self.endpoint.clock.now());
        self.unsaved_since.get_or_insert_with(Instant::now);
        self.urgent = true;
    }
}
