//! The last use of each key: noted in memory on the way in, written behind the answers.
//!
//! A key is noted once between two flushes, so that a request with a key that is noted already pays for one atomic load. What is
//! shown is therefore exact to the time between two flushes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use super::caller::Caller;
use crate::{
    domain::clock::SharedClock,
    store::{
        Pool, StoreError,
        uses::{self, Use},
    },
};

/// Shortest time between two flushes of one node.
const FLUSH_EVERY: Duration = Duration::from_secs(60);

/// Time between two looks whether a flush is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keys that one statement writes, so that none holds up the horizon of the log for long.
const KEYS_AT_ONCE: usize = 1_000;

/// Bytes that are kept of what a client calls itself.
const AGENT_BYTES: usize = 200;

/// Where a request came from.
#[derive(Debug)]
pub struct Seen {
    /// A prefix of the client's address; empty where it is not known.
    pub address: String,
    /// What the client calls itself; what is longer than 200 bytes is cut.
    pub agent: String,
}

/// Whether a key is noted for the next flush. Set and taken back under the lock of what is gathered, read without it.
#[derive(Debug, Default)]
pub(super) struct Noted(AtomicBool);

/// Notes the uses of keys and writes them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Uses {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    pool: Pool,
    gathered: Mutex<HashMap<Uuid, (Caller, Use)>>,
    /// When the last flush began, on the monotonic clock. Held while one goes on.
    flushed_at: tokio::sync::Mutex<Option<u64>>,
}

impl Uses {
    /// One that writes through a pool.
    pub fn new(pool: Pool, clock: SharedClock) -> Self {
        let inner =
            Inner { clock, pool, gathered: Mutex::default(), flushed_at: tokio::sync::Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Notes that a key was used, unless it is noted already; `seen` is asked only then.
    pub fn note(&self, caller: &Caller, seen: impl FnOnce() -> Seen) {
        if !caller.key().noted.0.load(Ordering::Relaxed) {
            self.first(caller, seen());
        }
    }

    #[cold]
    fn first(&self, caller: &Caller, seen: Seen) {
        let Seen { address, mut agent } = seen;
        agent.truncate(agent.floor_char_boundary(AGENT_BYTES));
        let one = Use { at: self.inner.clock.now(), address, agent };
        let mut gathered = self.inner.gathered.lock();
        caller.key().noted.0.store(true, Ordering::Relaxed);
        gathered.insert(caller.key().id, (caller.clone(), one));
    }

    /// Writes behind until `stop` says so, and once more then.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut ending = false;
        while !ending {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => ending = true,
            }
            let flushed = if ending { self.flush().await } else { self.flush_if_due().await };
            if let Err(error) = flushed {
                tracing::warn!(%error, "the last uses of keys could not be written; they stay in memory");
            }
        }
    }

    /// Writes what was gathered, unless this node wrote within the last minute. A failed attempt counts too.
    ///
    /// # Errors
    /// As [`Uses::flush`].
    pub async fn flush_if_due(&self) -> Result<(), StoreError> {
        let mut flushed_at = self.inner.flushed_at.lock().await;
        let now = self.inner.clock.monotonic();
        let due = flushed_at.is_none_or(|then| Duration::from_nanos(now.saturating_sub(then)) >= FLUSH_EVERY);
        // Where there is nothing to write, the first use after a pause need not wait.
        if !due || self.inner.gathered.lock().is_empty() {
            return Ok(());
        }
        *flushed_at = Some(now);
        self.write().await
    }

    /// Writes what was gathered, at once. On failure it stays in memory.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses or does not answer.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let mut flushed_at = self.inner.flushed_at.lock().await;
        *flushed_at = Some(self.inner.clock.monotonic());
        self.write().await
    }

    async fn write(&self) -> Result<(), StoreError> {
        let taken = self.take();
        let mut left = taken.chunks(KEYS_AT_ONCE);
        while let Some(chunk) = left.next() {
            if let Err(error) = uses::keep(&self.inner.pool, &rows(chunk)).await {
                self.put_back(chunk.iter().chain(left.flatten()));
                return Err(error);
            }
        }
        Ok(())
    }

    fn take(&self) -> Vec<(Caller, Use)> {
        let mut gathered = self.inner.gathered.lock();
        let taken: Vec<(Caller, Use)> = std::mem::take(&mut *gathered).into_values().collect();
        for (caller, _) in &taken {
            caller.key().noted.0.store(false, Ordering::Relaxed);
        }
        taken
    }

    /// What was used again meanwhile is newer. The others are not marked as noted, so that their next use is taken down.
    fn put_back<'u>(&self, uses: impl Iterator<Item = &'u (Caller, Use)>) {
        let mut gathered = self.inner.gathered.lock();
        for (caller, one) in uses {
            gathered.entry(caller.key().id).or_insert_with(|| (caller.clone(), one.clone()));
        }
    }
}

fn rows(uses: &[(Caller, Use)]) -> Vec<(Uuid, Use)> {
    uses.iter().map(|(caller, one)| (caller.key().id, one.clone())).collect()
}
