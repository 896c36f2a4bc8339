//! What was asked of each datasource, and the last items it had refused: gathered in memory, written behind the answers.
//!
//! Lost on a crash is at most what was gathered since the last flush; what was stored is counted from the lots instead.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{RwLock, watch};

use super::{
    fates::{self, Fate, Kind},
    receipt::{Outcome, Receipt, Refused},
};
use crate::{
    domain::{clock::SharedClock, rejection::Rejection},
    store::{
        Pool, StoreError,
        rejected::{self, RejectedRow},
        usage::{self, Usage, UsageKey},
    },
    telemetry::{self, Counter},
};

/// Time between two flushes.
const FLUSH_EVERY: Duration = Duration::from_secs(2);

/// Refused items held in memory for one datasource, where the oldest goes beyond it, and for all, where the window of the
/// datasource that overflows goes; what goes is counted.
const HELD_EACH: usize = 50;
const HELD_IN_ALL: usize = 5_000;

/// Datasources and minutes that one statement adds; after an outage there may be many.
const ROWS_AT_ONCE: usize = 1_000;

/// Bytes of the rule and of the pointer that are kept of a refused item.
const TEXT_BYTES: usize = 512;

#[derive(Debug, Default)]
struct Gathered {
    usage: HashMap<UsageKey, Usage>,
    rejected: HashMap<i64, VecDeque<RejectedRow>>,
    held: usize,
}

/// What is known of a call before its batch is answered.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// What its items are.
    pub kind: Kind,
    /// What was asked for.
    pub asked: Asked,
    /// Items that were refused before they came to the writer.
    pub bad: usize,
}

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To store items.
    Push,
    /// To delete one, by which nothing is received.
    Deletion,
}

/// What one call came to.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// What was pushed.
    pub kind: Kind,
    /// Whether it was answered with 2xx.
    pub success: bool,
    /// Items that were good.
    pub good: usize,
    /// Items that were refused.
    pub bad: usize,
}

impl Call {
    /// One that was refused as a whole.
    pub const fn failed(kind: Kind) -> Self {
        Self { kind, success: false, good: 0, bad: 0 }
    }

    /// What it adds to the usage of its datasource: its good items were received.
    fn usage(&self, now: Timestamp) -> Usage {
        let received = |kind| if self.kind == kind { self.good } else { 0 };
        self.usage_of(received(Kind::Contact), received(Kind::Event), now)
    }

    fn usage_of(&self, contacts: usize, events: usize, now: Timestamp) -> Usage {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let one = |on: bool| if on { (1, Some(now)) } else { (0, None) };
        let (calls_success, last_success_at) = one(self.success);
        let (calls_failures, last_failure_at) = one(!self.success);
        Usage {
            calls_success,
            calls_failures,
            entities_success: number(self.good),
            entities_failures: number(self.bad),
            contacts: number(contacts),
            events: number(events),
            last_success_at,
            last_failure_at,
            last_contact_at: (contacts > 0).then_some(now),
            last_event_at: (events > 0).then_some(now),
        }
    }
}

/// What the writer answered to the items of one call.
#[derive(Debug, Clone, Copy)]
pub struct Settlement<'a> {
    /// Row of the datasource.
    pub datasource: i64,
    /// What was known before.
    pub account: &'a Account,
    /// How many items the writer was given.
    pub items: usize,
    /// What it answered.
    pub answer: &'a Result<Receipt, Refused>,
}

impl Settlement<'_> {
    /// Counts the items by their fate, and says what the call adds to the usage of its datasource.
    fn usage(&self, now: Timestamp) -> Usage {
        let Account { kind, asked, bad } = *self.account;
        let Ok(receipt) = self.answer else {
            fates::ended(kind, Fate::Refused, self.items);
            return Call::failed(kind).usage(now);
        };
        fates::settled(kind, &receipt.outcomes);
        let count = |is: fn(Outcome) -> bool| receipt.outcomes.iter().filter(|outcome| is(**outcome)).count();
        match asked {
            Asked::Push => {
                let good = count(Outcome::is_success);
                Call { kind, success: good > 0, good, bad: bad + self.items - good }.usage(now)
            }
            Asked::Deletion => {
                let good = count(|outcome| outcome == Outcome::Deleted);
                Call { kind, success: true, good, bad: 0 }.usage_of(0, 0, now)
            }
        }
    }
}

/// Gathers and writes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    gathered: Arc<Mutex<Gathered>>,
    /// Held for writing while what was gathered moves into the database, so that a reader counts it once.
    moving: Arc<RwLock<()>>,
    writes: Pool,
    reads: Pool,
    clock: SharedClock,
}

impl Ledger {
    /// A ledger that writes through one pool and is read through another.
    pub fn new(writes: Pool, reads: Pool, clock: SharedClock) -> Self {
        Self { gathered: Arc::default(), moving: Arc::default(), writes, reads, clock }
    }

    /// Notes a push that ended before it came to the writer.
    pub fn call(&self, datasource: i64, call: Call) {
        let now = self.clock.now();
        self.add([(datasource, call.usage(now))], now);
    }

    /// Notes what the writer answered to calls, all under one lock. The callers may be gone by then.
    pub fn settle<'a>(&self, settlements: impl IntoIterator<Item = Settlement<'a>>) {
        let now = self.clock.now();
        // Added up beforehand, so that whoever waits for the lock waits for a few datasources and not for a few hundred calls.
        let mut sums: HashMap<i64, Usage> = HashMap::new();
        for settlement in settlements {
            sums.entry(settlement.datasource).or_default().add(&settlement.usage(now));
        }
        self.add(sums, now);
    }

    fn add(&self, usages: impl IntoIterator<Item = (i64, Usage)>, now: Timestamp) {
        let minute = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(60)).unwrap_or(now);
        let mut gathered = self.gathered.lock();
        for (datasource, usage) in usages {
            gathered.usage.entry((datasource, minute)).or_default().add(&usage);
        }
    }

    /// Keeps a refused item for whoever looks after the datasource.
    pub fn reject(&self, datasource: i64, kind: Kind, rejection: &Rejection, excerpt: Option<&str>) {
        let Some(fault) = rejection.faults().first() else { return };
        let row = RejectedRow {
            datasource,
            at: self.clock.now(),
            kind: kind.name(),
            pointer: cut(&fault.pointer),
            rule: cut(&fault.to_string()),
            excerpt: excerpt.unwrap_or_default().to_owned(),
        };
        let mut gathered = self.gathered.lock();
        let window = gathered.rejected.entry(datasource).or_default();
        window.push_back(row);
        let mut dropped = 0;
        if window.len() > HELD_EACH {
            window.pop_front();
            dropped = 1;
        } else {
            gathered.held += 1;
        }
        if gathered.held > HELD_IN_ALL {
            let window = gathered.rejected.remove(&datasource).map_or(0, |window| window.len());
            gathered.held -= window;
            dropped += window as u64;
        }
        drop(gathered);
        telemetry::count(Counter::RejectedDropped, dropped);
    }

    /// What was asked of a datasource so far, what is not written yet included.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn read(&self, datasource: i64) -> Result<Usage, StoreError> {
        let _still = self.moving.read().await;
        let mut total = usage::read(&self.reads, datasource).await?;
        for ((of, _), part) in &self.gathered.lock().usage {
            if *of == datasource {
                total.add(part);
            }
        }
        Ok(total)
    }

    /// Writes behind until `stop` says so, and once more then.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut ending = false;
        while !ending {
            tokio::select! {
                () = tokio::time::sleep(FLUSH_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => ending = true,
            }
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "usage could not be written; it stays in memory");
            }
        }
    }

    /// Writes what was gathered. On failure usage stays in memory, refused items are let go and counted. What timed out may have
    /// been added all the same, and is added again: after an outage usage can be too high.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let _moving = self.moving.write().await;
        let (usage, rejected) = {
            let mut gathered = self.gathered.lock();
            gathered.held = 0;
            (std::mem::take(&mut gathered.usage), std::mem::take(&mut gathered.rejected))
        };
        let rejected: Vec<RejectedRow> = rejected.into_values().flatten().collect();
        let written = self.write(usage.into_iter().collect(), &rejected).await;
        if written.is_err() {
            telemetry::count(Counter::RejectedDropped, rejected.len() as u64);
        }
        written
    }

    async fn write(&self, usage: Vec<(UsageKey, Usage)>, rejected: &[RejectedRow]) -> Result<(), StoreError> {
        let mut left = usage.chunks(ROWS_AT_ONCE);
        while let Some(chunk) = left.next() {
            if let Err(error) = usage::add(&self.writes, chunk).await {
                let mut gathered = self.gathered.lock();
                for (key, part) in chunk.iter().chain(left.flatten()) {
                    gathered.usage.entry(*key).or_default().add(part);
                }
                return Err(error);
            }
        }
        if !rejected.is_empty() {
            rejected::keep(&self.writes, rejected).await?;
        }
        Ok(())
    }
}

/// The beginning of a text, cut between characters.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES)].to_owned()
}
