//! Driving load at a server and measuring what comes back: the engine of `tidegate load` and of the benches.
//!
//! Promises to cost so little that it is not what is measured, to count latency from the time at which a request should have been
//! sent, to talk to the one server it was given and to follow no redirect. Must not know the database of that server.

mod answer;

mod body;

mod command;

mod counts;

mod drive;

mod endpoint;

mod exchange;

mod expected;

mod head;

mod items;

mod meter;

mod mix;

mod options;

mod outcomes;

mod pace;

mod patience;

mod push;

mod report;

mod script;

mod sender;

mod single;

mod timer;

mod verify;

#[cfg(test)]
mod tests;

pub use body::Frame;
pub(super) use command::run;
pub use counts::Counts;
pub use drive::{Drive, Ended, Plan};
pub use endpoint::Endpoint;
pub use expected::{Expected, Sum};
pub use mix::{NoShare, Share};
pub(super) use options::Options;
pub use outcomes::{OUTCOMES, Outcome, Outcomes};
pub use pace::Pace;
pub use push::{Kind, Push, Reading, Recipe};
pub use script::{Answer, Fixed, Script, Verdict, by_status};

/// A load that could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The URL is none that can be talked to.
    #[error("--url: {0}")]
    Url(String),
    /// The host has no address.
    #[error("--url: the host {0} cannot be looked up: {1}")]
    Lookup(String, #[source] std::io::Error),
    /// The server cannot be reached.
    #[error("no connection to {authority} ({made} of {wanted} were made): {source}")]
    Connect {
        /// Host and port.
        authority: String,
        /// Connections that were made before.
        made: usize,
        /// Connections that were to be made.
        wanted: usize,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The rate is no positive number.
    #[error("the rate must be above 0 and at most 10000000 requests per second")]
    Rate,
    /// The operating system gave no thread, timer or event queue.
    #[error("the operating system refused: {0}")]
    System(#[from] std::io::Error),
    /// A thread broke.
    #[error("a thread of the load broke")]
    Thread,
    /// A histogram could not be made.
    #[error("the latencies cannot be counted: {0}")]
    Histogram(hdrhistogram::errors::CreationError),
    /// Histograms could not be added.
    #[error("the latencies cannot be added: {0}")]
    Addition(hdrhistogram::errors::AdditionError),
}
