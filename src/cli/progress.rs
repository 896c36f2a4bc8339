//! How far a long command is: a bar on a terminal, a line at each tenth elsewhere. On standard error, so that the result on
//! standard output stays a result.

use std::io::{IsTerminal, Write};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::{domain::clock::SharedClock, store::dump::Progress};

/// Nanoseconds between two lines of a transfer whose end is not known.
const LINE_EVERY: u64 = 10_000_000_000;

/// Shows progress until it is dropped.
pub(super) struct Meter {
    verb: &'static str,
    bar: Option<ProgressBar>,
    /// Tenths that were told in lines.
    tenths: Option<u64>,
}

impl Meter {
    /// `verb` says what is going on, such as `backing up`.
    pub(super) fn new(verb: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            // The template is ours; one that cannot be read leaves the plain bar.
            if let Ok(style) =
                ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3} % {elapsed} {msg}")
            {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.with_prefix(verb)
        });
        Self { verb, bar, tenths: None }
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, progress: Progress<'_>) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total.max(1));
                bar.set_position(progress.done.min(progress.total));
                bar.set_message(told(&progress));
            }
            None => {
                let Progress { done, total, .. } = progress;
                Self::told_in_tenths(self.verb, &mut self.tenths, done, total, &told(&progress));
            }
        }
    }

    fn told_in_tenths(verb: &str, before: &mut Option<u64>, done: u64, total: u64, message: &str) {
        let tenths = done.min(total) * 10 / total.max(1);
        if before.is_some_and(|before| tenths <= before) {
            return;
        }
        *before = Some(tenths);
        // Nobody is left to tell when standard error is gone.
        let _unheard = writeln!(std::io::stderr(), "{verb}: {} % ({message})", tenths * 10);
    }
}

/// Shows how many steps of a known number are done, until it is dropped.
pub(super) struct Steps(Meter, u64);

impl Steps {
    /// `verb` as for [`Meter::new`].
    pub(super) fn new(verb: &'static str, total: i64) -> Self {
        Self(Meter::new(verb), total.unsigned_abs())
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, done: i64) {
        let (done, total) = (done.unsigned_abs(), self.1);
        let Meter { verb, bar, tenths } = &mut self.0;
        match bar {
            Some(bar) => {
                bar.set_length(total.max(1));
                bar.set_position(done);
                bar.set_message(format!("{done} of {total}"));
            }
            None => Meter::told_in_tenths(verb, tenths, done, total, &format!("{done} of {total}")),
        }
    }
}

/// Shows how far items are on their way through a file or the stream, and how fast, until it is dropped.
pub(super) struct Transfer {
    meter: Meter,
    total: Option<u64>,
    clock: SharedClock,
    began: u64,
    told_at: u64,
    rejected: u64,
    /// Items that an earlier run moved.
    before: u64,
}

impl Transfer {
    /// `verb` as for [`Meter::new`]; `total` is what `done` comes to at the end, where that is known.
    pub(super) fn new(verb: &'static str, total: Option<u64>, before: u64, clock: SharedClock) -> Self {
        let meter = Meter::new(verb);
        if let (Some(bar), None) = (&meter.bar, total)
            && let Ok(style) = ProgressStyle::with_template("{prefix} {spinner} {elapsed} {msg}")
        {
            bar.set_style(style);
        }
        let began = clock.monotonic();
        Self { meter, total, clock, began, told_at: began, rejected: 0, before }
    }

    /// Shows how far it is; `rejected` where more items were than before.
    pub(super) fn show(&mut self, done: u64, items: u64, rejected: Option<u64>) {
        self.rejected = rejected.unwrap_or(self.rejected);
        let now = self.clock.monotonic();
        let seconds = (now.saturating_sub(self.began) as f64 / 1e9).max(0.001);
        let rate = items.saturating_sub(self.before) as f64 / seconds;
        let mut message = format!("{items} items, {rate:.0} a second");
        if self.rejected > 0 {
            message.push_str(&format!(", {} rejected", self.rejected));
        }
        let Meter { verb, bar, tenths } = &mut self.meter;
        match (bar, self.total) {
            (Some(bar), total) => {
                bar.set_length(total.unwrap_or(0).max(1));
                bar.set_position(total.map_or(0, |total| done.min(total)));
                bar.set_message(message);
                bar.tick();
            }
            (None, Some(total)) => Meter::told_in_tenths(verb, tenths, done, total, &message),
            (None, None) if now.saturating_sub(self.told_at) >= LINE_EVERY => {
                self.told_at = now;
                // Nobody is left to tell when standard error is gone.
                let _unheard = writeln!(std::io::stderr(), "{verb}: {message}");
            }
            (None, None) => {}
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

fn told(progress: &Progress<'_>) -> String {
    match progress.written {
        Some(written) => format!("{}, {} written", progress.step, HumanBytes(written)),
        None => {
            format!("{}, {} of {} read", progress.step, HumanBytes(progress.done), HumanBytes(progress.total))
        }
    }
}
