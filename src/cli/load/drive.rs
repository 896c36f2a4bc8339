//! A load from its first connection to its last answer: the threads, the start together, and the sum.

use std::{
    sync::{Arc, Barrier, OnceLock},
    time::Duration,
};

use futures_util::future::try_join_all;
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use tokio::{runtime, task::JoinSet};

use super::{
    LoadError,
    counts::Counts,
    endpoint::Endpoint,
    exchange::{Buffers, Connection},
    pace::{Pace, Schedule},
    script::Script,
    sender::{Rules, Sender},
};
use crate::domain::clock::SharedClock;

/// The fastest schedule, in requests per second.
const FASTEST: f64 = 1e7;

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub endpoint: Endpoint,
    /// Threads, each with an event loop of its own; one is the cheapest, and enough for 100 000 requests per second.
    pub threads: usize,
    /// How fast.
    pub pace: Pace,
    /// For how long.
    pub duration: Duration,
    /// How long an answer may take, and a connection to be made.
    pub timeout: Duration,
    /// How long, after the end, requests are sent again whose fate is not known.
    pub settle: Duration,
    /// Wait as long as `Retry-After` says and send again. Otherwise a refused request has failed, and the next one is sent.
    pub honour_retry_after: bool,
}

impl Plan {
    /// As fast as answers come for 30 s, on one thread, with 30 s for an answer and another 30 s to settle.
    pub fn new(endpoint: Endpoint) -> Self {
        let half_a_minute = Duration::from_secs(30);
        Self {
            endpoint,
            threads: 1,
            pace: Pace::Max,
            duration: half_a_minute,
            timeout: half_a_minute,
            settle: half_a_minute,
            honour_retry_after: true,
        }
    }
}

/// A load that can be watched and stopped while it runs.
#[derive(Debug)]
pub struct Drive {
    plan: Plan,
    clock: SharedClock,
    counts: Vec<Arc<Mutex<Counts>>>,
    schedule: OnceLock<Arc<Schedule>>,
}

/// A load that has ended.
#[derive(Debug)]
pub struct Ended<S> {
    /// What it came to.
    pub counts: Counts,
    /// From the first intended time to the last answer, at least the duration.
    pub elapsed: Duration,
    /// Processor time of this process from start to end.
    pub cpu: Duration,
    /// The scripts, one for each connection.
    pub scripts: Vec<S>,
}

impl Drive {
    /// A load to [`Self::run`].
    ///
    /// # Errors
    /// [`LoadError::Rate`] for a rate that is no positive number.
    pub fn new(plan: Plan, clock: SharedClock) -> Result<Self, LoadError> {
        if let Pace::Rate(rate) = plan.pace
            && !(rate > 0.0 && rate <= FASTEST)
        {
            return Err(LoadError::Rate);
        }
        let counts = (0..plan.threads.max(1)).map(|_| Ok(Arc::new(Mutex::new(Counts::new()?))));
        let counts = counts.collect::<Result<_, LoadError>>()?;
        Ok(Self { plan, clock, counts, schedule: OnceLock::new() })
    }

    /// Makes one connection for each script, starts them all together, and blocks until the last request is answered or given up.
    /// Not to be called from a task: it blocks its thread.
    ///
    /// # Errors
    /// [`LoadError::Connect`] when a connection cannot be made to begin with; later ones are made again and counted.
    pub fn run<S: Script>(&self, scripts: Vec<S>) -> Result<Ended<S>, LoadError> {
        let rules = Arc::new(Rules {
            endpoint: self.plan.endpoint.clone(),
            patience: self.plan.timeout,
            settle: self.plan.settle,
            honour_retry_after: self.plan.honour_retry_after,
            closed_loop: self.plan.pace == Pace::Max,
        });
        let mut shares: Vec<Vec<S>> = self.counts.iter().map(|_| Vec::new()).collect();
        for (at, script) in scripts.into_iter().enumerate() {
            shares[at % self.counts.len()].push(script);
        }
        let gate = Gate { barrier: Barrier::new(shares.len()), failure: Mutex::new(None) };
        let mut scripts = Vec::new();
        let cpu = std::thread::scope(|scope| {
            let running: Vec<_> = shares
                .into_iter()
                .zip(&self.counts)
                .map(|(share, counts)| {
                    let (rules, gate) = (&rules, &gate);
                    scope.spawn(move || self.thread(rules, counts, gate, share))
                })
                .collect();
            let mut begun = Duration::MAX;
            for thread in running {
                let (since, share) = thread.join().map_err(|_| LoadError::Thread)??;
                begun = begun.min(since);
                scripts.extend(share);
            }
            Ok::<_, LoadError>(cpu_time().saturating_sub(begun))
        });
        let cpu = match gate.failure.into_inner() {
            Some(failure) => return Err(failure),
            None => cpu?,
        };
        let mut counts = self.so_far()?;
        let schedule = self.schedule.get().ok_or(LoadError::Thread)?;
        for waited in schedule.unsent() {
            counts.unsent += 1;
            counts.took(waited);
        }
        let elapsed = schedule.elapsed().max(schedule.since_start(counts.last_done));
        Ok(Ended { counts, elapsed, cpu, scripts })
    }

    /// What it came to until now.
    ///
    /// # Errors
    /// As [`Counts::add`].
    pub fn so_far(&self) -> Result<Counts, LoadError> {
        let mut sum = Counts::new()?;
        for counts in &self.counts {
            sum.add(&counts.lock())?;
        }
        Ok(sum)
    }

    /// How long it has been sending; `None` while connections are being made.
    pub fn elapsed(&self) -> Option<Duration> {
        self.schedule.get().map(|schedule| schedule.elapsed())
    }

    /// Sends nothing new from now on; requests in flight are seen through.
    pub fn stop(&self) {
        if let Some(schedule) = self.schedule.get() {
            schedule.stop();
        }
    }

    /// One thread: its connections, then the start together with the others. The processor time at the start, and the scripts.
    fn thread<S: Script>(
        &self,
        rules: &Arc<Rules>,
        counts: &Arc<Mutex<Counts>>,
        gate: &Gate,
        scripts: Vec<S>,
    ) -> Result<(Duration, Vec<S>), LoadError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let connected = match &runtime {
            Ok(runtime) => runtime.block_on(connect(rules, scripts.len())),
            Err(error) => Err(std::io::Error::from(error.kind()).into()),
        };
        let connections = gate.pass(connected);
        let schedule = self
            .schedule
            .get_or_init(|| Arc::new(Schedule::new(self.plan.pace, self.plan.duration, self.clock.clone())));
        let begun = cpu_time();
        let (Ok(runtime), Some(connections)) = (runtime, connections) else { return Ok((begun, scripts)) };
        let scripts = runtime.block_on(async {
            let mut senders = JoinSet::new();
            for (connection, script) in connections.into_iter().zip(scripts) {
                let sender = Sender::new(rules.clone(), schedule.clone(), counts.clone(), connection, script);
                senders.spawn(sender.run());
            }
            // One thread wakes the connections of all.
            if self.counts.first().is_some_and(|first| Arc::ptr_eq(first, counts)) {
                schedule.run().await?;
            }
            let mut scripts = Vec::new();
            while let Some(ended) = senders.join_next().await {
                scripts.push(ended.map_err(|_| LoadError::Thread)?);
            }
            Ok::<_, LoadError>(scripts)
        })?;
        Ok((begun, scripts))
    }
}

/// Where threads wait for each other before the start.
struct Gate {
    barrier: Barrier,
    failure: Mutex<Option<LoadError>>,
}

impl Gate {
    /// Waits for all; what this thread has made, unless any of them failed.
    fn pass<T>(&self, made: Result<T, LoadError>) -> Option<T> {
        let made = match made {
            Ok(made) => Some(made),
            Err(error) => {
                self.failure.lock().get_or_insert(error);
                None
            }
        };
        self.barrier.wait();
        made.filter(|_| self.failure.lock().is_none())
    }
}

async fn connect(rules: &Rules, wanted: usize) -> Result<Vec<Connection>, LoadError> {
    let made = std::sync::atomic::AtomicUsize::new(0);
    let connecting = (0..wanted).map(async |_| {
        let stream = rules.endpoint.connect(rules.patience).await?;
        made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Connection::new(stream, Buffers::default()))
    });
    try_join_all(connecting).await.map_err(|source| LoadError::Connect {
        authority: rules.endpoint.authority().to_owned(),
        made: made.load(std::sync::atomic::Ordering::Relaxed),
        wanted,
        source,
    })
}

/// Processor time of this process.
fn cpu_time() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), u32::try_from(spent.tv_nsec).unwrap_or(0))
}
