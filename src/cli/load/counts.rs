//! What a load came to: requests, items, bytes and latencies.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use super::{LoadError, outcomes::Outcomes};

/// The longest latency that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Significant decimal digits of a latency.
const DIGITS: u8 = 3;

/// What was sent and answered, of one thread or of all.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Requests that were carried out.
    pub done: u64,
    /// Requests that were not, given up ones included.
    pub failed: u64,
    /// Items of the requests that were carried out.
    pub items: u64,
    /// What became of single items, as far as the script tells.
    pub outcomes: Outcomes,
    /// Answers by HTTP status, of every attempt.
    pub statuses: BTreeMap<u16, u64>,
    /// Attempts after the first one of a request.
    pub retries: u64,
    /// Connections that could not be made.
    pub connect_errors: u64,
    /// Connections that broke, and answers that did not come in time or were no HTTP.
    pub broken: u64,
    /// Bytes of requests, before TLS.
    pub sent: u64,
    /// Bytes of answers, after TLS.
    pub received: u64,
    /// The last thing that went wrong with a connection.
    pub trouble: Option<String>,
    /// When the last request was carried out, in nanoseconds of the clock.
    pub(super) last_done: u64,
    /// Requests of the schedule that were still waiting for a connection when time was up.
    pub unsent: u64,
    /// Nanoseconds from the intended time of sending to the last byte of the answer, of the requests that were carried out; for
    /// unsent ones what they had waited by then.
    pub latencies: Histogram<u64>,
}

impl Counts {
    /// Nothing yet.
    ///
    /// # Errors
    /// None that occurs: the bounds of the histogram are constants that it takes.
    pub fn new() -> Result<Self, LoadError> {
        let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
        let latencies = Histogram::new_with_max(longest, DIGITS).map_err(LoadError::Histogram)?;
        Ok(Self {
            done: 0,
            failed: 0,
            items: 0,
            outcomes: Outcomes::default(),
            statuses: BTreeMap::new(),
            retries: 0,
            connect_errors: 0,
            broken: 0,
            sent: 0,
            received: 0,
            trouble: None,
            last_done: 0,
            unsent: 0,
            latencies,
        })
    }

    /// Adds what another thread counted.
    ///
    /// # Errors
    /// None that occurs: both histograms have the same bounds.
    pub fn add(&mut self, other: &Self) -> Result<(), LoadError> {
        self.done += other.done;
        self.failed += other.failed;
        self.items += other.items;
        self.outcomes.add(&other.outcomes);
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.retries += other.retries;
        self.connect_errors += other.connect_errors;
        self.broken += other.broken;
        self.sent += other.sent;
        self.received += other.received;
        self.trouble = self.trouble.take().or_else(|| other.trouble.clone());
        self.last_done = self.last_done.max(other.last_done);
        self.unsent += other.unsent;
        self.latencies.add(&other.latencies).map_err(LoadError::Addition)
    }

    /// Notes a latency in nanoseconds; one beyond an hour counts as an hour.
    pub(super) fn took(&mut self, nanos: u64) {
        self.latencies.saturating_record(nanos);
    }

    /// The latency that `share` of the requests stayed within, `0.99` for instance; zero when there were none.
    pub fn within(&self, share: f64) -> Duration {
        Duration::from_nanos(self.latencies.value_at_quantile(share))
    }

    /// The longest latency.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.latencies.max())
    }
}
