//! What the process says about itself: the names of its metrics and the form of its log lines.
//!
//! Every metric is a variant here, so that none is spelled twice and each carries its help text. Labels are from closed
//! sets; a key, an address or a customer's value is never one.

use std::{io::IsTerminal, time::Duration};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

macro_rules! names {
    ($(#[$enum_doc:meta])* $enum:ident: $($(#[doc = $doc:literal])+ $name:ident = $text:literal),+ $(,)?) => {
        $(#[$enum_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $enum {
            $($(#[doc = $doc])+ $name),+
        }

        impl $enum {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name as exported.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),+
                }
            }

            /// What it means, for the exposition.
            pub const fn help(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+)),+
                }
            }
        }
    };
}

names! {
    /// Things that are counted.
    Counter:
    /// Items that came in with an authenticated batch, by kind.
    ItemsReceived = "tidegate_items_received_total",
    /// What became of each item, by kind and fate; the fates add up to what was received.
    Items = "tidegate_items_total",
    /// Requests answered, by route, method and status.
    Requests = "tidegate_http_requests_total",
    /// Attempts to write a lot, by how they ended: committed, failed, recovered_committed, recovered_aborted, unknown.
    Lots = "tidegate_lots_total",
    /// Attempts to deliver a message to a webhook, by result: delivered, failed, unwanted.
    WebhookAttempts = "tidegate_webhook_attempts_total",
    /// Messages to webhooks that were given up after their last attempt.
    WebhookDeadLetters = "tidegate_webhook_dead_letters_total",
    /// Refused items that were dropped before they could be kept for display.
    RejectedDropped = "tidegate_rejected_items_dropped_total",
}

names! {
    /// Things that have a level.
    Gauge:
    /// Items that wait for a lane or are being written.
    QueueItems = "tidegate_queue_items",
    /// Bytes of body that are being read, wait for a lane, or are being written.
    QueueBytes = "tidegate_queue_bytes",
    /// Items that may be in the house at once.
    QueueItemsLimit = "tidegate_queue_items_limit",
    /// Bytes of body that may be in the house at once.
    QueueBytesLimit = "tidegate_queue_bytes_limit",
    /// Lanes with a connection.
    LanesConnected = "tidegate_lanes_connected",
    /// Lanes that should have a connection.
    Lanes = "tidegate_lanes",
    /// Seconds since keys, projects and datasources were last compared with the database.
    KeyringAge = "tidegate_keyring_age_seconds",
    /// Live keys.
    KeyringKeys = "tidegate_keyring_keys",
    /// Seconds since the oldest open write transaction of the cluster began; the stream lags by this much.
    HorizonAge = "tidegate_horizon_age_seconds",
    /// Whole days ahead of now for which the log has a partition.
    PartitionDaysAhead = "tidegate_partition_days_ahead",
    /// Clients that follow the stream on this node.
    StreamFollowers = "tidegate_stream_followers",
    /// Seconds since the oldest item came in that waits for a receiver to which this node delivers.
    WebhookLag = "tidegate_webhook_lag_seconds",
    /// Webhooks to which this node delivers.
    Webhooks = "tidegate_webhooks",
    /// 1 while the server takes new work, 0 while it drains.
    Ready = "tidegate_ready",
}

names! {
    /// Things that are distributed.
    Histogram:
    /// Seconds from the head of a request to the head of its answer, by route.
    RequestSeconds = "tidegate_http_request_duration_seconds",
    /// Items in a lot whose commit was sent.
    LotItems = "tidegate_lot_items",
    /// Seconds from taking a lot in hand to the answer to its COMMIT.
    CommitSeconds = "tidegate_commit_duration_seconds",
    /// Seconds that a batch waited for a lane.
    QueueSeconds = "tidegate_queue_wait_seconds",
}

/// Sets a level.
pub fn gauge(gauge: Gauge, level: f64) {
    metrics::gauge!(gauge.name()).set(level);
}

/// Adds to a count that has no labels.
pub fn count(counter: Counter, by: u64) {
    metrics::counter!(counter.name()).increment(by);
}

/// Adds one to a count with one label.
pub fn count_of(counter: Counter, label: &'static str, value: &'static str) {
    metrics::counter!(counter.name(), label => value).increment(1);
}

/// Lets a count with one label begin at 0.
pub fn begin_of(counter: Counter, label: &'static str, value: &'static str) {
    metrics::counter!(counter.name(), label => value).increment(0);
}

/// Adds a duration to a distribution that has no labels.
pub fn record(histogram: Histogram, value: f64) {
    metrics::histogram!(histogram.name()).record(value);
}

/// The metrics could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the metrics could not be set up: {0}")]
pub struct MetricsError(String);

/// Time between two upkeeps, without which histograms grow for ever.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Buckets for times, in seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Buckets for numbers of items.
const SIZES: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0];

/// Sets up the metrics of this process; the handle renders them. To be called once.
///
/// # Errors
/// [`MetricsError`] when metrics were set up before.
pub fn install_metrics() -> Result<PrometheusHandle, MetricsError> {
    let failed = |error: metrics_exporter_prometheus::BuildError| MetricsError(error.to_string());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .map_err(failed)?
        .set_buckets_for_metric(Matcher::Full(Histogram::LotItems.name().into()), &SIZES)
        .map_err(failed)?
        .install_recorder()
        .map_err(failed)?;
    for counter in Counter::ALL {
        describe_counter!(counter.name(), counter.help().trim());
    }
    for gauge in Gauge::ALL {
        describe_gauge!(gauge.name(), gauge.help().trim());
    }
    for histogram in Histogram::ALL {
        let unit = if *histogram == Histogram::LotItems { Unit::Count } else { Unit::Seconds };
        describe_histogram!(histogram.name(), unit, histogram.help().trim());
    }
    Ok(handle)
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Sends log lines to standard error; `filter` is in the syntax of `RUST_LOG`, such as `info` or `tidegate=debug`.
///
/// # Errors
/// The reason when `filter` cannot be read.
pub fn install_logs(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("--log: {error}"))?;
    // Below `info` the driver logs the parameters of statements, which are customers' values, and at `info` every notice.
    let quiet = "tokio_postgres=warn".parse().map_err(|error| format!("{error}"))?;
    let filter = filter.add_directive(quiet);
    let registry = tracing_subscriber::registry().with(filter);
    // A file or a collector would keep the colours as escape codes.
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let outcome = match format {
        LogFormat::Text => {
            registry.with(fmt::layer().with_ansi(colours).with_writer(std::io::stderr)).try_init()
        }
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init(),
    };
    outcome.map_err(|error| error.to_string())
}
