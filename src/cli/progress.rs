//! How far a long command is: a bar on a terminal, a line at each tenth elsewhere. On standard error, so that the result on
//! standard output stays a result.

use std::io::{IsTerminal, Write};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::store::dump::Progress;

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
            None => self.line(&progress),
        }
    }

    fn line(&mut self, progress: &Progress<'_>) {
        let tenths = progress.done.min(progress.total) * 10 / progress.total.max(1);
        if self.tenths.is_some_and(|before| tenths <= before) {
            return;
        }
        self.tenths = Some(tenths);
        // Nobody is left to tell when standard error is gone.
        let _unheard = writeln!(std::io::stderr(), "{}: {} % ({})", self.verb, tenths * 10, told(progress));
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
