//! The station of webhooks on one node: its options, its handle, and the task that holds endpoints and runs each.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use uuid::Uuid;

use super::{
    address::Gate,
    dial::{Dialer, Resolve, SystemResolver},
    endpoint::{Endpoint, Lag},
    message::Verdict,
    runner::{End, Runner},
    schedule::Schedule,
    tester::Tester,
};
use crate::{
    auth::{Authority, Vault},
    domain::{
        address::Networks,
        clock::{SharedClock, SharedEntropy},
    },
    store::{
        Pool, StoreError,
        webhooks::{record, work},
    },
    stream::tail::Tail,
    telemetry::{self, Counter, Gauge},
};

/// Endpoints that a node takes at once, so that nodes which begin together share them.
const CLAIMED: i64 = 8;

/// Time between two rounds over old attempts.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How long an endpoint rests that cannot be delivered to, for reasons of this side.
const REST: Duration = Duration::from_secs(15);

/// How webhooks are delivered.
#[derive(Debug, Clone)]
pub struct Options {
    /// Networks to which any URL may lead. Default: none.
    pub allowed: Networks,
    /// When a message that was not taken is sent again. Default: see [`Schedule`].
    pub schedule: Schedule,
    /// How long a connection may take to open, the name and TLS included. Default: 5 s.
    pub connect: Duration,
    /// How long an attempt may take. Default: 15 s.
    pub total: Duration,
    /// How long an attempt that is under way may go on when the server ends. Default: 5 s.
    pub grace: Duration,
    /// How long a node that does not say that it delivers is believed to. Default: 15 s.
    pub hold: Duration,
    /// Time between two looks at what there is to do. Default: 250 ms.
    pub tick: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allowed: Networks::default(),
            schedule: Schedule::default(),
            connect: Duration::from_secs(5),
            total: Duration::from_secs(15),
            grace: Duration::from_secs(5),
            hold: Duration::from_secs(15),
            tick: Duration::from_millis(250),
        }
    }
}

/// What it works with.
#[derive(Debug, Clone)]
pub struct Means {
    /// Connections that read the stream.
    pub pages: Pool,
    /// Connections that write progress.
    pub rows: Pool,
    /// What is new.
    pub tail: Tail,
    /// Which projects there are.
    pub authority: Authority,
    /// Where the secret key is.
    pub vault: Vault,
    /// The time.
    pub clock: SharedClock,
    /// Randomness.
    pub entropy: SharedEntropy,
}

/// The station. [`Station::run`] delivers.
#[derive(Debug)]
pub struct Station {
    pub(super) options: Options,
    pub(super) dialer: Arc<Dialer>,
    pub(super) pages: Pool,
    pub(super) rows: Pool,
    pub(super) tail: Tail,
    pub(super) authority: Authority,
    pub(super) vault: Vault,
    pub(super) clock: SharedClock,
    pub(super) entropy: SharedEntropy,
    node: Uuid,
}

/// A runner, and what is known about it.
struct Running {
    generation: i64,
    stop: watch::Sender<bool>,
    task: JoinHandle<Option<End>>,
    lag: Lag,
}

/// What this node holds, each with its generation, and how many of all are for it.
struct Holding {
    held: Vec<(Uuid, i64)>,
    share: usize,
}

impl Holding {
    /// What it goes on with; always the same ones.
    fn kept(&self) -> Vec<(Uuid, i64)> {
        self.held.iter().take(self.share).copied().collect()
    }

    /// What is for another node.
    fn surplus(&self) -> impl Iterator<Item = Uuid> {
        self.held.iter().skip(self.share).map(|(id, _)| *id)
    }
}

/// What this node does.
#[derive(Default)]
struct Rounds {
    running: HashMap<Uuid, Running>,
    /// Endpoints that are left alone for a while, unless they change.
    resting: HashMap<Uuid, (i64, Instant)>,
}

impl Station {
    /// One that delivers with these means, and the handle on it. `node` names it among others on the database.
    pub fn new(options: Options, means: Means, node: Uuid) -> (Self, Tester) {
        Self::resolving(options, means, node, Arc::new(SystemResolver::default()))
    }

    /// The same with addresses of names from elsewhere.
    pub fn resolving(
        options: Options,
        means: Means,
        node: Uuid,
        resolver: Arc<dyn Resolve>,
    ) -> (Self, Tester) {
        let gate = Gate::new(options.allowed.clone());
        let dialer = Arc::new(Dialer::new(gate, resolver, options.connect));
        let Means { pages, rows, tail, authority, vault, clock, entropy } = means;
        let tester =
            Tester::new(dialer.clone(), options.total, vault.clone(), clock.clone(), entropy.clone());
        (Self { options, dialer, pages, rows, tail, authority, vault, clock, entropy, node }, tester)
    }

    /// Delivers until `stop` says so; then waits for what is under way, for a while, and lets other nodes go on.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let station = Arc::new(self);
        let mut rounds = Rounds::default();
        begin();
        let mut ticks = interval(station.options.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut swept, mut sweep) = (Instant::now(), JoinSet::new());
        // What this node holds by its last look is surely its own up to here.
        let mut until = Instant::now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            let asked = Instant::now();
            let patience = station.options.hold / 3;
            let latest =
                if rounds.running.is_empty() { asked + patience } else { until.min(asked + patience) };
            match station.look(latest).await {
                Ok(held) => {
                    // A lease is renewed when less than this is left of it, and it began no earlier than this was asked.
                    until = asked + station.options.hold.mul_f64(0.7);
                    rounds.adjust(&station, &held.kept()).await;
                    rounds.give(&station, &held).await;
                }
                // The endpoints may be another node's by now.
                Err(error) if Instant::now() + station.options.tick >= until => {
                    tracing::warn!(%error, "webhooks rest: the database cannot be reached");
                    rounds.abandon();
                }
                Err(error) => tracing::warn!(%error, "webhooks could not be looked at"),
            }
            rounds.measure(station.clock.now());
            while sweep.try_join_next().is_some() {}
            if swept.elapsed() >= SWEEP_EVERY && sweep.is_empty() {
                swept = Instant::now();
                // Beside this loop, which renews.
                let (station, ids) = (station.clone(), rounds.running.keys().copied().collect::<Vec<_>>());
                sweep.spawn(async move { station.sweep(&ids).await });
            }
        }
        rounds.end(&station).await;
    }

    /// Takes of what is free up to this node's share, and says what it holds; gives up at `latest`.
    async fn look(&self, latest: Instant) -> Result<Holding, StoreError> {
        let (node, hold) = (self.node, self.options.hold);
        let looking = async {
            let share = work::share(&self.rows, node, hold).await?;
            let held = work::held(&self.rows, node, hold).await?;
            let room = i64::try_from(share.saturating_sub(held.len())).unwrap_or(0);
            if room == 0 {
                return Ok(Holding { held, share });
            }
            work::claim(&self.rows, node, hold, room.min(CLAIMED)).await?;
            Ok(Holding { held: work::held(&self.rows, node, hold).await?, share })
        };
        let patience = latest.duration_since(Instant::now());
        timeout_at(latest, looking).await.unwrap_or(Err(StoreError::TimedOut(patience)))
    }

    async fn sweep(&self, ids: &[Uuid]) {
        let mut swept = record::expire(&self.rows, self.clock.now()).await;
        for id in ids {
            swept = swept.and(record::trim(&self.rows, *id).await);
        }
        if let Err(error) = swept {
            tracing::warn!(%error, "old deliveries of webhooks could not be forgotten");
        }
    }
}

impl Rounds {
    /// Starts and stops runners until they are those of what is held.
    async fn adjust(&mut self, station: &Arc<Station>, held: &[(Uuid, i64)]) {
        for (id, running) in &self.running {
            if !held.contains(&(*id, running.generation)) {
                // It writes down what it knows before another one begins.
                running.stop.send_replace(true);
            }
        }
        let ended: Vec<Uuid> =
            self.running.iter().filter(|(_, one)| one.task.is_finished()).map(|(id, _)| *id).collect();
        for id in ended {
            let Some(ended) = self.running.remove(&id) else { continue };
            let rest = match ended.task.await {
                Ok(None | Some(End::Broken)) => true,
                Ok(Some(_)) => false,
                Err(error) => {
                    tracing::error!(%error, webhook = %id, "a webhook broke");
                    true
                }
            };
            if rest {
                self.resting.insert(id, (ended.generation, Instant::now() + REST));
            }
        }
        let now = Instant::now();
        self.resting.retain(|_, (_, until)| *until > now);
        for (id, generation) in held {
            let rests = self.resting.get(id).is_some_and(|(known, _)| known == generation);
            if !rests && !self.running.contains_key(id) {
                self.running.insert(*id, start(station.clone(), *id, *generation));
            }
        }
    }

    /// Lets other nodes go on with what is theirs, once its runner has written down what it knew.
    async fn give(&self, station: &Station, holding: &Holding) {
        for id in holding.surplus().filter(|id| !self.running.contains_key(id)) {
            if let Err(error) = work::release(&station.rows, station.node, id).await {
                tracing::debug!(%error, webhook = %id, "a webhook could not be handed over; the next round does");
            }
        }
    }

    /// Ends everything at once, with nothing written down.
    fn abandon(&mut self) {
        for (_, running) in self.running.drain() {
            running.task.abort();
        }
    }

    fn measure(&self, now: jiff::Timestamp) {
        let lag = self.running.values().map(|one| one.lag.seconds(now)).fold(0.0, f64::max);
        telemetry::gauge(Gauge::WebhookLag, lag);
        telemetry::gauge(Gauge::Webhooks, self.running.len() as f64);
    }

    /// Ends everything in order.
    async fn end(self, station: &Station) {
        for running in self.running.values() {
            running.stop.send_replace(true);
        }
        // The others take what is given back at once, as much as is theirs then.
        if let Err(error) = work::leave(&station.rows, station.node).await {
            tracing::debug!(%error, "the end of a node could not be told; its time ends by itself");
        }
        // What is written down at the end takes its time too.
        let deadline = Instant::now() + station.options.grace + Duration::from_secs(3);
        for (id, mut running) in self.running {
            if timeout_at(deadline, &mut running.task).await.is_err() {
                running.task.abort();
            }
            if let Err(error) = work::release(&station.rows, station.node, id).await {
                tracing::debug!(%error, webhook = %id, "a webhook could not be handed over; its time ends by itself");
            }
        }
    }
}

/// Starts a runner; it answers with nothing when the endpoint could not be opened.
fn start(station: Arc<Station>, id: Uuid, generation: i64) -> Running {
    let (stop, stopped) = watch::channel(false);
    let lag = Lag::default();
    let measured = lag.clone();
    let task = tokio::spawn(async move {
        let work = match work::open(&station.rows, station.node, id).await {
            Ok(Some(work)) => work,
            Ok(None) => return Some(End::Lost),
            Err(error) => {
                tracing::warn!(%error, webhook = %id, "a webhook could not be opened");
                return Some(End::Lost);
            }
        };
        match Endpoint::open(&station, work, measured).await {
            Ok(endpoint) => Some(Runner::new(&station, endpoint).run(stopped).await),
            Err(unfit) => {
                tracing::warn!(error = %unfit, webhook = %id, "a webhook rests");
                None
            }
        }
    });
    Running { generation, stop, task, lag }
}

/// Counts that appear at 1 look as if nothing had happened: an increase is seen from a number to the next.
fn begin() {
    for result in Verdict::NAMES {
        telemetry::begin_of(Counter::WebhookAttempts, "result", result);
    }
    telemetry::count(Counter::WebhookDeadLetters, 0);
}
