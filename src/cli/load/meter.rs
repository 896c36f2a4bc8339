//! How a load goes while it goes: a line that changes on a terminal, a line now and then elsewhere.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use indicatif::ProgressBar;

use super::{Counts, report};

/// How often the line changes.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Ticks between two lines where there is no terminal.
const SELDOM: u64 = 10;

/// Shows progress on standard error until it is dropped.
pub(super) struct Meter {
    bar: Option<ProgressBar>,
    silent: bool,
    ticks: u64,
    /// Requests that were done at the tick before, and when that was.
    before: (u64, Duration),
}

impl Meter {
    pub(super) fn new(silent: bool) -> Self {
        let bar = (!silent && std::io::stderr().is_terminal()).then(ProgressBar::new_spinner);
        Self { bar, silent, ticks: 0, before: (0, Duration::ZERO) }
    }

    /// Shows what it came to until now.
    pub(super) fn show(&mut self, elapsed: Duration, duration: Duration, counts: &Counts) {
        self.ticks += 1;
        if self.silent || (self.bar.is_none() && !self.ticks.is_multiple_of(SELDOM)) {
            return;
        }
        let (done, since) = std::mem::replace(&mut self.before, (counts.done, elapsed));
        let rate = report::rate(counts.done - done, elapsed.saturating_sub(since));
        let latency = |share| report::latency(counts.within(share));
        let mut line = format!(
            "{:.0} of {:.0} s: {rate} requests/s, p50 {}, p99 {}",
            elapsed.as_secs_f64(),
            duration.as_secs_f64(),
            latency(0.5),
            latency(0.99),
        );
        for (count, what) in [
            (counts.failed, "failed"),
            (counts.retries, "sent again"),
            (counts.broken + counts.connect_errors, "connections lost"),
        ] {
            if count > 0 {
                line += &format!(", {count} {what}");
            }
        }
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
            }
            // Nobody is left to tell when standard error is gone.
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
