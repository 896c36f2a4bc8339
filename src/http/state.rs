//! What every handler may use: handles on the stations below, and whether the server drains.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::client::Proxies;
use crate::{
    auth::{Authority, Uses, Vault},
    domain::{
        caps::Caps,
        clock::{SharedClock, SharedEntropy},
    },
    ingest::{Handle, ledger::Ledger},
    limit::Limiter,
    store::Pool,
    stream::{tail::Tail, webhooks::Tester},
    telemetry::{self, Gauge},
};

/// Handles on the house. Cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    /// Who may come in.
    pub authority: Authority,
    /// When their keys were last used.
    pub uses: Uses,
    /// How much they may ask for.
    pub limiter: Limiter,
    /// Where batches go.
    pub ingest: Handle,
    /// What is noted about them.
    pub ledger: Ledger,
    /// Connections for clients' reads.
    pub reads: Pool,
    /// Connections for readers of the stream.
    pub stream: Pool,
    /// What is new, for those that follow it.
    pub tail: Tail,
    /// What is done about webhooks at once.
    pub webhooks: Tester,
    /// Connections for what clients manage.
    pub manage: Pool,
    /// The connection for erasures, which may be long: they queue among themselves.
    pub erasures: Pool,
    /// Connections for readiness.
    pub probes: Pool,
    /// The time.
    pub clock: SharedClock,
    /// Randomness, for request ids.
    pub entropy: SharedEntropy,
    /// The limits of a body.
    pub caps: Arc<Caps>,
    /// The OpenAPI document, as it is served.
    pub document: Arc<[u8]>,
    /// How long a body may take.
    pub body_timeout: std::time::Duration,
    /// Where the secret key is, for keys that can be shown again.
    pub vault: Vault,
    /// Which proxies are believed when they say who the client is.
    pub proxies: Arc<Proxies>,
    /// Whether the server drains, and what it still has to answer.
    pub traffic: Arc<Traffic>,
}

/// The requests that are being answered.
#[derive(Debug, Default)]
pub struct Traffic {
    leaving: AtomicBool,
    draining: AtomicBool,
    in_flight: AtomicUsize,
}

impl Traffic {
    /// Whether readiness has turned.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// Says that the server is about to end: readiness turns and connections close after their answer, but whoever comes is
    /// still served.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        telemetry::gauge(Gauge::Ready, 0.0);
    }

    /// Whether newcomers are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Says that the server ends: newcomers are refused from now on.
    pub fn drain(&self) {
        self.leave();
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Requests that are being answered.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Counts a request until its answer is dropped; while the server drains, none is counted any more, or a steady stream of
    /// refusals would keep it from ending.
    pub(super) fn enter(&self) -> Option<Entered<'_>> {
        // Counted before it is looked: whoever drains sees the count, or we see that the server drains.
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let counted = Entered(self);
        (!self.is_draining()).then_some(counted)
    }

    /// Counts work that may outlive the request it came with.
    pub(super) fn hold(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(self.clone())
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Entered<'t>(&'t Traffic);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Work that came with a request and is not done.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Traffic>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
