//! Time and randomness, as arguments.
//!
//! Nothing else in the crate may ask the operating system for either (`clippy.toml` enforces it), so every
//! test decides what time it is and which identifiers come out.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// Tells the time in two ways: the wall clock, which may step, and a clock that only goes forward.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock, UTC, truncated to the microsecond that PostgreSQL can store.
    fn now(&self) -> Timestamp;

    /// Nanoseconds since an arbitrary start in this process; never goes back and never steps.
    fn monotonic(&self) -> u64;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// A handle on the machine's clock whose monotonic side starts at zero.
    #[allow(clippy::disallowed_methods)]
    pub fn shared() -> SharedClock {
        Arc::new(Self { start: std::time::Instant::now() })
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        truncate(Timestamp::now())
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Cuts a time to whole microseconds, the resolution of PostgreSQL's `timestamptz`.
pub fn truncate(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// A clock that stands still until it is told to move; for tests and models.
#[derive(Debug)]
pub struct FakeClock {
    wall_micros: AtomicI64,
    monotonic_nanos: AtomicU64,
}

impl FakeClock {
    /// A clock standing at `now`, with its monotonic side at zero.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            wall_micros: AtomicI64::new(now.as_microsecond()),
            monotonic_nanos: AtomicU64::new(0),
        })
    }

    /// Moves both sides forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.wall_micros.fetch_add(micros, Ordering::SeqCst);
        self.monotonic_nanos.fetch_add(nanos, Ordering::SeqCst);
    }

    /// Steps the wall clock alone, forward or back, as an operator or NTP would.
    pub fn step_wall(&self, by: SignedDuration) {
        self.wall_micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.wall_micros.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> u64 {
        self.monotonic_nanos.load(Ordering::SeqCst)
    }
}

/// A source of unpredictable bytes.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` with bytes fit for secrets.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// A shared source of randomness.
pub type SharedEntropy = Arc<dyn Entropy>;

/// The operating system refused to give random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyError;

/// The generator of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl SystemEntropy {
    /// A handle on the operating system's generator.
    pub fn shared() -> SharedEntropy {
        Arc::new(Self)
    }
}

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods)]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}
