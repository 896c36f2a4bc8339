//! Numbers of several rounds, and how they are written.

use std::time::Duration;

use serde::Serialize;

/// What one measurement saw.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Items that were acknowledged.
    pub items: u64,
    /// Requests that were answered well.
    pub requests: u64,
    /// Requests that were answered otherwise, or not at all.
    pub refused: u64,
    /// How long it took.
    pub took: Duration,
    /// Latency from the moment at which a request was due.
    pub p50: Duration,
    /// As above.
    pub p99: Duration,
    /// What it cost.
    pub cost: Cost,
}

impl Seen {
    /// Items a second.
    pub fn rate(&self) -> f64 {
        self.items as f64 / self.took.as_secs_f64()
    }

    /// Seconds of processor time per 100 000 items.
    pub fn per_100_000(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 100_000.0 / (self.items as f64).max(1.0)
    }
}

/// Processor time by who spent it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// The server under test; zero where there is none.
    pub server: Duration,
    /// PostgreSQL with all its processes.
    pub postgres: Duration,
    /// This program: the load generator.
    pub load: Duration,
}

impl std::ops::Sub for Cost {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            postgres: self.postgres.saturating_sub(before.postgres),
            load: self.load.saturating_sub(before.load),
        }
    }
}

/// The middle and the ends of what several rounds gave.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    /// The middle one; of an even number the higher of the two.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// Of at least one number; `None` when there is none.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: *sorted.get(sorted.len() / 2)?,
            lowest: *sorted.first()?,
            highest: *sorted.last()?,
        })
    }

    /// Of the ratios of each round, so that a slow minute counts on both sides.
    pub fn of_ratios(above: &[Seen], below: &[Seen]) -> Option<Self> {
        Self::of(above.iter().zip(below).map(|(above, below)| above.rate() / below.rate()))
    }

    /// The latencies in milliseconds.
    pub fn of_milliseconds(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        Self::of(times.into_iter().map(milliseconds))
    }
}

/// A duration in milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A whole number with a thin gap between thousands.
pub fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Rows as a Markdown table whose columns stand below each other.
pub fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (column, width) in widths.iter().enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            let gap = " ".repeat(width - cell.chars().count());
            // Words to the left, numbers to the right.
            let (left, right) = if column == 0 { ("", gap) } else { (gap.as_str(), String::new()) };
            text.push_str(&format!("| {left}{cell}{right} "));
        }
        text.push_str("|\n");
        if at == 0 {
            for (column, width) in widths.iter().enumerate() {
                text.push_str(&format!("|{}{}", "-".repeat(width + 1), if column == 0 { "-" } else { ":" }));
            }
            text.push_str("|\n");
        }
    }
    text
}
