//! What became of every item that came in. Each ends in exactly one fate, and the fates add up to what was received.

use std::sync::LazyLock;

use metrics::Counter as Handle;

use super::receipt::Outcome;
use crate::telemetry::Counter;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A contact, or the deletion of one.
    Contact,
    /// An event.
    Event,
}

impl Kind {
    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Event => "event",
        }
    }
}

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// As the lot decided.
    Settled(Outcome),
    /// Validation refused it.
    Invalid,
    /// It was valid, and only asked after.
    DryRun,
    /// The store did not take its batch.
    Refused,
}

/// Labels in the order of [`index`].
const NAMES: [&str; 12] = [
    "created",
    "updated",
    "unchanged",
    "deleted",
    "absent",
    "too_large",
    "stored",
    "duplicate",
    "conflict",
    "invalid",
    "dry_run",
    "refused",
];

const fn index(fate: Fate) -> usize {
    match fate {
        Fate::Settled(Outcome::Created) => 0,
        Fate::Settled(Outcome::Updated) => 1,
        Fate::Settled(Outcome::Unchanged) => 2,
        Fate::Settled(Outcome::Deleted) => 3,
        Fate::Settled(Outcome::Absent) => 4,
        Fate::Settled(Outcome::TooLarge) => 5,
        Fate::Settled(Outcome::Stored) => 6,
        Fate::Settled(Outcome::Duplicate) => 7,
        Fate::Settled(Outcome::Conflict) => 8,
        Fate::Invalid => 9,
        Fate::DryRun => 10,
        Fate::Refused => 11,
    }
}

struct Counters {
    received: Handle,
    ended: [Handle; NAMES.len()],
}

impl Counters {
    fn of(kind: Kind) -> Self {
        Self {
            received: metrics::counter!(Counter::ItemsReceived.name(), "kind" => kind.name()),
            ended: NAMES
                .map(|fate| metrics::counter!(Counter::Items.name(), "kind" => kind.name(), "fate" => fate)),
        }
    }
}

// Handles are looked up once: the registry's own look-up would cost more than the count. They are made on first use, which
// is after the recorder was installed.
static CONTACTS: LazyLock<Counters> = LazyLock::new(|| Counters::of(Kind::Contact));
static EVENTS: LazyLock<Counters> = LazyLock::new(|| Counters::of(Kind::Event));

fn counters(kind: Kind) -> &'static Counters {
    match kind {
        Kind::Contact => &CONTACTS,
        Kind::Event => &EVENTS,
    }
}

/// Shows every count, at 0.
pub(super) fn begin() {
    LazyLock::force(&CONTACTS);
    LazyLock::force(&EVENTS);
}

/// Counts items that came in.
pub fn received(kind: Kind, items: usize) {
    counters(kind).received.increment(items as u64);
}

/// Counts items that ended.
pub fn ended(kind: Kind, fate: Fate, items: usize) {
    counters(kind).ended[index(fate)].increment(items as u64);
}

/// Counts items that ended as a lot decided.
pub(super) fn settled(kind: Kind, outcomes: &[Outcome]) {
    // Nearly always they are all the same.
    for run in outcomes.chunk_by(|one, next| one == next) {
        ended(kind, Fate::Settled(run[0]), run.len());
    }
}
