//! The station: its options, the handle that the rest of the house holds, and the writer that runs the lanes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{
    contacts::Person,
    foretell,
    job::{ContactOp, Job, Work},
    lane::Lane,
    ledger::{Account, Ledger, Settlement},
    queue::{Bounds, Queue, Room},
    receipt::{Outcome, Receipt, Refused},
};
use crate::{
    domain::{
        clock::{SharedClock, SharedEntropy},
        ids::Inlet,
    },
    store::{
        Database, Pool, StoreError,
        contacts::{self, ContactKey},
        lots,
    },
    telemetry::{self, Gauge},
};

/// How the writer works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections that write lots side by side. Default 2: while one writes, another begins only with 256 items, or once the first
    /// has been at its lot for 5 ms.
    pub lanes: usize,
    /// Items in the house at once, beyond which batches get 503. Default 20 000.
    pub queue_items: usize,
    /// Bytes of body in the house at once, read or being read. Default 64 MiB.
    pub queue_bytes: usize,
    /// Items in one lot. Default 2 000: its transaction stays under 100 ms.
    pub lot_items: usize,
    /// Bytes of body in one lot. Default 4 MiB.
    pub lot_bytes: usize,
    /// Time for the statements of a lot. Default 5 s.
    pub statements: Duration,
    /// Time for the commit of a lot. Default 5 s.
    pub commit: Duration,
    /// Time to find out what became of a commit that got no answer. Default 5 s.
    pub fate: Duration,
    /// Time that a batch waits for a lane. Default 5 s.
    pub wait: Duration,
    /// What one contact may hold, in bytes. Default 256 KiB.
    pub contact_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lanes: 2,
            queue_items: 20_000,
            queue_bytes: 64 << 20,
            lot_items: 2_000,
            lot_bytes: 4 << 20,
            statements: Duration::from_secs(5),
            commit: Duration::from_secs(5),
            fate: Duration::from_secs(5),
            wait: Duration::from_secs(5),
            contact_bytes: 256 << 10,
        }
    }
}

/// What lanes and handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) database: Database,
    pub(super) queue: Arc<Queue>,
    pub(super) ledger: Ledger,
    pub(super) clock: SharedClock,
    pub(super) entropy: SharedEntropy,
    reads: Pool,
    connected: AtomicUsize,
}

impl Shared {
    pub(super) fn lane_came(&self) {
        let lanes = self.connected.fetch_add(1, Ordering::Relaxed) + 1;
        telemetry::gauge(Gauge::LanesConnected, lanes as f64);
    }

    /// Whether any lane has a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed) > 0
    }

    pub(super) fn lane_went(&self) {
        let lanes = self.connected.fetch_sub(1, Ordering::Relaxed) - 1;
        telemetry::gauge(Gauge::LanesConnected, lanes as f64);
    }
}

/// Hands batches to the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Runs the lanes.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

impl Writer {
    /// Makes a writer and a handle on it. `reads` answers dry runs, and `ledger` is told what becomes of every batch.
    pub fn new(
        options: Options,
        database: Database,
        reads: Pool,
        ledger: Ledger,
        clock: SharedClock,
        entropy: SharedEntropy,
    ) -> (Self, Handle) {
        let queue = Queue::new(Bounds {
            items: options.queue_items,
            bytes: options.queue_bytes,
            lot_items: options.lot_items,
            lot_bytes: options.lot_bytes,
        });
        // What to read the levels against; an alert must not know the options.
        telemetry::gauge(Gauge::QueueItemsLimit, options.queue_items as f64);
        telemetry::gauge(Gauge::QueueBytesLimit, options.queue_bytes as f64);
        telemetry::gauge(Gauge::Lanes, options.lanes.max(1) as f64);
        telemetry::gauge(Gauge::LanesConnected, 0.0);
        let connected = AtomicUsize::new(0);
        let shared = Arc::new(Shared { options, database, queue, ledger, clock, entropy, reads, connected });
        (Self { shared: shared.clone() }, Handle { shared })
    }

    /// Writes lots until `stop` says so; then takes nothing new, writes what waits, and ends. Ends early, in the same way, when
    /// a lane breaks.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut lanes = JoinSet::new();
        for _ in 0..self.shared.options.lanes.max(1) {
            lanes.spawn(Lane::new(self.shared.clone()).run());
        }
        // A sender that is gone asks for the same as one that says so.
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            ended = lanes.join_next() => tracing::error!(?ended, "a lane broke"),
        }
        self.shared.queue.close();
        while let Some(ended) = lanes.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a lane broke");
            }
        }
        self.shared.queue.end(&self.shared.ledger);
    }
}

impl Handle {
    /// Takes room for a body of at most `bytes`, before it is read.
    ///
    /// # Errors
    /// [`Refused::Overloaded`] when the queue is full, [`Refused::Unavailable`] while no lane has a connection.
    pub fn admit(&self, inlet: Inlet, bytes: usize) -> Result<Room, Refused> {
        if !self.is_connected() {
            return Err(Refused::Unavailable);
        }
        self.shared.queue.enter(inlet.datasource, bytes)
    }

    /// Stores a batch; answers once its commit is flushed. The caller may go away: that stops nothing, and what becomes of the
    /// batch is noted all the same, by whoever answers it.
    ///
    /// # Errors
    /// [`Refused`]; nothing is stored, except that [`Refused::OutcomeUnknown`] cannot tell.
    pub async fn append(
        &self,
        mut room: Room,
        inlet: Inlet,
        work: Work,
        account: Account,
    ) -> Result<Receipt, Refused> {
        let ledger = &self.shared.ledger;
        if let Err(refused) = room.furnish(work.len()) {
            let answer = Err(refused);
            let (datasource, items) = (inlet.datasource, work.len());
            ledger.settle([Settlement { datasource, account: &account, items, answer: &answer }]);
            return answer;
        }
        let (job, mut answer) = Job::new(inlet, work, self.shared.clock.monotonic(), room, account);
        let job = Arc::new(job);
        if let Err(refused) = self.shared.queue.push(job.clone()) {
            job.note(&Err(refused), ledger);
            return Err(refused);
        }
        let answered = match timeout(self.shared.options.wait, &mut answer).await {
            Ok(answered) => answered,
            Err(_) if job.leave() => {
                job.note(&Err(Refused::Overloaded), ledger);
                return Err(Refused::Overloaded);
            }
            // A lane has it, and a lane answers within its own limits.
            Err(_) => answer.await,
        };
        answered.unwrap_or(Err(Refused::OutcomeUnknown))
    }

    /// Foretells the outcomes of a batch from what is stored now, and stores nothing.
    ///
    /// # Errors
    /// As [`Refused::of_read`] when the database cannot be asked.
    pub async fn foretell(&self, inlet: Inlet, work: &Work) -> Result<Vec<Outcome>, Refused> {
        let outcomes = match work {
            Work::Events(events) => {
                let keys: Vec<_> = events.events().iter().map(|event| event.key(inlet)).collect();
                let before = lots::peek_claims(&self.shared.reads, &keys).await;
                before.map(|found| foretell::events(inlet, events, &found.into_iter().collect()))
            }
            Work::Contacts(operations) => self.peek_people(inlet, operations).await.map(|mut before| {
                foretell::contacts(operations, &mut before, self.shared.options.contact_bytes)
            }),
        };
        outcomes.map_err(|error| Refused::of_read(&error))
    }

    async fn peek_people(
        &self,
        inlet: Inlet,
        operations: &[ContactOp],
    ) -> Result<HashMap<String, Person>, StoreError> {
        let keys: Vec<ContactKey> = operations
            .iter()
            .map(|operation| ContactKey {
                datasource: inlet.datasource,
                user_id: operation.user_id().to_owned(),
            })
            .collect();
        let found = contacts::peek(&self.shared.reads, &keys.iter().collect::<Vec<_>>()).await?;
        found.iter().map(|stored| Ok((stored.key.user_id.clone(), Person::read(stored)?))).collect()
    }

    /// Whether a lane has a connection, so that batches can be stored.
    pub fn is_connected(&self) -> bool {
        self.shared.is_connected()
    }

    /// Waits until a lane has a connection.
    pub async fn connected(&self) {
        while !self.is_connected() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Items and bytes in the house.
    pub fn depth(&self) -> (usize, usize) {
        self.shared.queue.depth()
    }
}
