//! What a load came to, for people and for programs.

use std::time::Duration;

use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::{Counts, OUTCOMES, options::Options, verify::Finding};
use crate::cli::print;

/// The shares of requests whose latency is told.
const SHARES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// A load that has ended, without its scripts.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) options: &'a Options,
    pub(super) counts: &'a Counts,
    pub(super) elapsed: Duration,
    pub(super) cpu: Duration,
    pub(super) finding: Option<&'a Finding>,
}

impl Report<'_> {
    /// Prints it.
    pub(super) fn print(&self) -> anyhow::Result<()> {
        if self.options.json {
            return print::json(&self.json());
        }
        print::fields(&self.fields());
        Ok(())
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let Self { options, counts, elapsed, .. } = self;
        let pace = options.rate.map_or("as fast as answers came".into(), |rate| format!("{rate} requests/s"));
        let mut fields = vec![
            (
                "load",
                format!(
                    "{:.1} s, {pace}, {} connections, batches of {}",
                    elapsed.as_secs_f64(),
                    options.connections,
                    options.batch
                ),
            ),
            (
                "requests",
                format!(
                    "{}/s: {} done, {} failed, {} sent again",
                    rate(counts.done, *elapsed),
                    counts.done,
                    counts.failed,
                    counts.retries
                ),
            ),
            ("items", format!("{}/s: {}", rate(counts.items, *elapsed), counts.items)),
            ("latency", self.latencies()),
            ("statuses", listed(counts.statuses.iter().map(|(status, count)| (*count, status.to_string())))),
            (
                "outcomes",
                listed(
                    OUTCOMES
                        .iter()
                        .map(|outcome| (counts.outcomes.of(*outcome), outcome.as_str().to_owned())),
                ),
            ),
            ("bytes", format!("{} sent, {} received", HumanBytes(counts.sent), HumanBytes(counts.received))),
            (
                "generator",
                format!(
                    "{:.2} s of processor time, {:.1} µs per request",
                    self.cpu.as_secs_f64(),
                    self.micros_each()
                ),
            ),
        ];
        if counts.broken + counts.connect_errors > 0 {
            let trouble = counts.trouble.as_deref().unwrap_or("no reason");
            let told =
                format!("{} broken, {} not made; the last: {trouble}", counts.broken, counts.connect_errors);
            fields.push(("connections", told));
        }
        if counts.unsent > 0 {
            let told = format!(
                "{} requests of the schedule waited in vain for a connection; they count in the latencies with their wait",
                counts.unsent
            );
            fields.push(("behind", told));
        }
        if let Some(finding) = self.finding {
            fields.push(("verify", told(finding)));
        }
        fields
    }

    fn latencies(&self) -> String {
        let from = if self.options.rate.is_some() { "from the intended time" } else { "from sending" };
        let shares = SHARES.map(|(name, share)| format!("{name} {}", latency(self.counts.within(share))));
        format!("{}, max {} ({from})", shares.join(", "), latency(self.counts.longest()))
    }

    #[allow(clippy::cast_precision_loss)]
    fn micros_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.counts.done.max(1) as f64
    }

    fn json(&self) -> Value {
        let Self { options, counts, elapsed, .. } = self;
        let micros = |latency: Duration| latency.as_secs_f64() * 1e6;
        let mut latencies: serde_json::Map<_, _> = SHARES
            .map(|(name, share)| (name.to_owned(), json!(micros(counts.within(share)))))
            .into_iter()
            .collect();
        latencies.insert("max".into(), json!(micros(counts.longest())));
        latencies.insert("mean".into(), json!(counts.latencies.mean() / 1e3));
        let statuses: serde_json::Map<_, _> =
            counts.statuses.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
        let outcomes: serde_json::Map<_, _> = OUTCOMES
            .iter()
            .map(|outcome| (outcome.as_str().to_owned(), json!(counts.outcomes.of(*outcome))))
            .collect();
        json!({
            "kind": options.kind.path(), "batch": options.batch, "connections": options.connections, "rate": options.rate,
            "seconds": elapsed.as_secs_f64(),
            "requests": { "done": counts.done, "failed": counts.failed, "retries": counts.retries, "unsent": counts.unsent,
                          "perSecond": per_second(counts.done, *elapsed) },
            "items": { "sent": counts.items, "perSecond": per_second(counts.items, *elapsed) },
            "latencyMicros": latencies, "statuses": statuses, "outcomes": outcomes,
            "bytes": { "sent": counts.sent, "received": counts.received },
            "connectErrors": counts.connect_errors, "broken": counts.broken,
            "cpuSeconds": self.cpu.as_secs_f64(),
            "verify": self.finding.map(verdict),
        })
    }
}

fn verdict(finding: &Finding) -> Value {
    match finding {
        Finding::Exact(sum) => {
            json!({ "verdict": "exact", "count": sum.count, "sum": format!("{:016x}", sum.sum), "reasons": [] })
        }
        Finding::Differs(reasons) => json!({ "verdict": "differs", "reasons": reasons }),
        Finding::Unknown(reasons) => json!({ "verdict": "unknown", "reasons": reasons }),
    }
}

fn told(finding: &Finding) -> String {
    match finding {
        Finding::Exact(sum) => format!(
            "every acknowledged item is stored exactly once, and nothing else: {} rows, sum {:016x}",
            sum.count, sum.sum
        ),
        Finding::Differs(reasons) => format!("DIFFERS: {}", reasons.join("; ")),
        Finding::Unknown(reasons) => format!("CANNOT TELL: {}", reasons.join("; ")),
    }
}

/// Those that occurred.
fn listed(counts: impl Iterator<Item = (u64, String)>) -> String {
    let there: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{name} {count}")).collect();
    if there.is_empty() { "none".into() } else { there.join(", ") }
}

#[allow(clippy::cast_precision_loss)]
fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(1e-9)
}

/// So many in a second, whole where there are many.
pub(super) fn rate(count: u64, elapsed: Duration) -> String {
    let rate = per_second(count, elapsed);
    if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

/// A latency in the unit that suits it.
pub(super) fn latency(latency: Duration) -> String {
    let micros = latency.as_secs_f64() * 1e6;
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        1e3..1e6 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}
