//! A lane: takes a lot, writes it, commits, answers everybody, and takes again at once.

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::timeout;

use super::{
    handle::Shared,
    job::{Job, Work},
    lot::{self, Setting, Told},
    queue::Lot,
    receipt::{Receipt, Refused},
    trust::Trust,
};
use crate::{
    domain::cursor::Cursor,
    store::{
        Failure, Role, StoreError,
        fate::{Fate, Trace, fate},
        lane::Lane as Connection,
        partitions,
    },
    telemetry::{self, Counter, Histogram},
};

/// How often a lot is tried again after a deadlock or a missing partition before it is given up.
const TRIES: usize = 10;

/// Pause between two attempts to connect, and between two questions for the fate of a transaction.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a lot may take until another lane may begin a small one.
const PATIENCE: Duration = Duration::from_millis(5);

/// How long a lane waits for work at a time.
const GLANCE: Duration = Duration::from_secs(1);

/// A lane and its connection, where it has one.
pub(super) struct Lane {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    trust: Trust,
    /// Whether the log knows already that there is none.
    complained: bool,
}

/// Why an attempt at a lot came to nothing.
enum Trouble {
    /// Before the commit was sent: nothing is stored.
    Before(StoreError),
    /// The commit was sent, and no answer came: it is to be found out.
    During { trace: Box<Trace>, told: Told },
}

impl Lane {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, connection: None, trust: Trust::default(), complained: false }
    }

    /// Writes lots until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        while let Some(Lot { jobs, turn }) = self.next().await {
            self.note_waits(&jobs);
            {
                let mut settling = pin!(self.settle(jobs));
                if timeout(PATIENCE, &mut settling).await.is_err() {
                    turn.pass_on();
                    settling.await;
                    continue;
                }
            }
            if self.connection.is_none() {
                turn.pass_on();
            }
        }
    }

    /// Waits for a connection and for a lot; `None` when there will be no more.
    async fn next(&mut self) -> Option<Lot> {
        loop {
            // To hear that nothing is left needs no connection.
            if !self.shared.queue.is_finished()
                && let Err(error) = self.connect().await
            {
                self.complain(&error);
                // Another lane may still serve what waits.
                if !self.shared.is_connected() {
                    self.shared.queue.refuse_all(&Err(Refused::Unavailable), &self.shared.ledger);
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            self.complained = false;
            // Now and then an idle lane looks whether its connection still lives.
            match timeout(GLANCE, self.shared.queue.take()).await {
                Ok(taken) => return taken,
                Err(_) => self.look_after().await,
            }
        }
    }

    /// Says once an outage that there is no connection; it is tried again ten times a second.
    fn complain(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!(%error, "a lane has no connection");
        }
    }

    fn note_waits(&self, jobs: &[Arc<Job>]) {
        let now = self.shared.clock.monotonic();
        let waits = metrics::histogram!(Histogram::QueueSeconds.name());
        for job in jobs {
            waits.record(Duration::from_nanos(now.saturating_sub(job.queued_at)).as_secs_f64());
        }
    }

    /// Makes sure that there is a connection.
    async fn connect(&mut self) -> Result<&mut Connection, StoreError> {
        if self.connection.is_none() {
            let limit = self.shared.options.statements;
            let opened = timeout(limit, Connection::open(&self.shared.database)).await;
            self.connection = Some(opened.map_err(|_| StoreError::TimedOut(limit))??);
            self.shared.lane_came();
        }
        self.connection.as_mut().ok_or_else(|| StoreError::Content("a lane lost its connection".into()))
    }

    /// Lets go of a connection whose server is gone.
    async fn look_after(&mut self) {
        if let Some(connection) = &mut self.connection
            && !connection.is_alive().await
        {
            self.disconnect();
        }
    }

    fn disconnect(&mut self) {
        if self.connection.take().is_some() {
            self.shared.lane_went();
        }
    }

    /// Writes the batches and answers each. Where the database refuses a value, or holds a row that cannot be read, the lot is
    /// halved until the batch that meets it stands alone. Other defects would meet each half alike.
    async fn settle(&mut self, jobs: Vec<Arc<Job>>) {
        let mut parts = vec![jobs];
        let mut tries = 0;
        // Whether a commit was lost already: each costs up to the time for its fate, and senders do not wait for ever.
        let mut revived = false;
        while let Some(mut part) = parts.pop() {
            let error = match self.attempt(&part).await {
                Ok(receipts) => {
                    count("committed");
                    self.answer(&part, receipts.into_iter().map(Ok));
                    continue;
                }
                Err(Trouble::During { trace, told }) => {
                    match self.resolve(&trace).await {
                        // Nothing of it was stored, so that it can be written as if for the first time.
                        Err(Refused::Unavailable) if !std::mem::replace(&mut revived, true) => {
                            parts.push(part);
                        }
                        outcome => {
                            let committed =
                                |position| receipts_of(&part, trace.epoch, told, position, trace.received_at);
                            self.answer_all(&part, outcome.map(committed));
                        }
                    }
                    continue;
                }
                Err(Trouble::Before(error)) => error,
            };
            count("failed");
            if error.ends_connection() {
                self.disconnect();
            }
            match error.failure() {
                Failure::Taken => {
                    self.trust.lose();
                    parts.push(part);
                }
                Failure::Data | Failure::Content if part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                Failure::Retry if tries < TRIES => {
                    tries += 1;
                    parts.push(part);
                }
                Failure::MissingPartition if tries < TRIES && self.make_partitions().await => {
                    tries += 1;
                    parts.push(part);
                }
                _ => self.give_up(&part, &error),
            }
        }
    }

    /// Answers batches that will not be written.
    fn give_up(&self, part: &[Arc<Job>], error: &StoreError) {
        let refused = match error.failure() {
            Failure::Data => {
                tracing::error!(%error, "the database refuses what validation let through");
                Refused::Unstorable
            }
            Failure::Taken | Failure::MissingPartition | Failure::Retry | Failure::Unavailable => {
                tracing::warn!(%error, "a lot was not written");
                Refused::Unavailable
            }
            Failure::Content | Failure::Other => {
                tracing::error!(%error, "a lot was not written");
                Refused::Defect
            }
        };
        self.answer_all(part, Err(refused));
    }

    fn answer(&self, jobs: &[Arc<Job>], answers: impl Iterator<Item = Result<Receipt, Refused>>) {
        Job::answer_all(jobs, answers, &self.shared.ledger);
    }

    fn answer_all(&self, jobs: &[Arc<Job>], outcome: Result<Vec<Receipt>, Refused>) {
        match outcome {
            Ok(receipts) => self.answer(jobs, receipts.into_iter().map(Ok)),
            Err(refused) => self.answer(jobs, std::iter::repeat_n(Err(refused), jobs.len())),
        }
    }

    /// Writes and commits one lot.
    async fn attempt(&mut self, jobs: &[Arc<Job>]) -> Result<Vec<Receipt>, Trouble> {
        let shared = self.shared.clone();
        let began = shared.clock.monotonic();
        let now = shared.clock.now();
        let items: usize = jobs.iter().map(|job| job.work.len()).sum();
        let (told, epoch, outcome) = self.write(jobs, items, now).await.map_err(Trouble::Before)?;
        let spent = Duration::from_nanos(shared.clock.monotonic().saturating_sub(began));
        telemetry::record(Histogram::CommitSeconds, spent.as_secs_f64());
        telemetry::record(Histogram::LotItems, items as f64);
        let position = match outcome {
            Ok(position) => position,
            // Whatever PostgreSQL itself answers but success has rolled the transaction back, with one exception: a shutdown
            // may hit a backend after it has committed, so that its fate must be asked for.
            Err(error) if error.is_rollback() => return Err(Trouble::Before(error)),
            Err(error) => {
                let backend = self.connection.as_ref().map(|connection| connection.backend);
                self.disconnect();
                return match (told.order.first().copied(), backend) {
                    (Some(lot), Some(backend)) => {
                        let trace = Box::new(Trace { backend, epoch, lot, received_at: now });
                        Err(Trouble::During { trace, told })
                    }
                    // Nothing was to be written, so there is nothing whose fate could be in doubt.
                    _ => Err(Trouble::Before(error)),
                };
            }
        };
        if jobs.iter().any(|job| matches!(job.work, Work::Events(_))) {
            self.trust.keep();
        }
        if let Some(connection) = &mut self.connection {
            connection.backend.floor = position;
        }
        Ok(receipts_of(jobs, epoch, told, position, now))
    }

    /// Tells the database a lot and commits it; the inner result is what came of the commit.
    async fn write(
        &mut self,
        jobs: &[Arc<Job>],
        items: usize,
        now: Timestamp,
    ) -> Result<(Told, i32, Result<i64, StoreError>), StoreError> {
        let shared = self.shared.clone();
        let options = &shared.options;
        let trusting = self.trust.is_given();
        let connection = self.connect().await?;
        let epoch = connection.epoch();
        let late = |_| StoreError::TimedOut(options.statements);
        let first_id = timeout(options.statements, connection.take_ids(items)).await.map_err(late)??;
        let (mut flight, statements) = connection.begin()?;
        let setting = Setting {
            statements,
            epoch,
            first_id,
            now,
            entropy: shared.entropy.as_ref(),
            contact_bytes: options.contact_bytes,
            trusting,
        };
        let told =
            match timeout(options.statements, lot::tell(&mut flight, jobs, &setting)).await.map_err(late)? {
                Ok(told) => told,
                Err(error) => {
                    if !error.ends_connection() {
                        timeout(options.statements, flight.abandon()).await.map_err(late)??;
                    }
                    return Err(error);
                }
            };
        // What was told may be carried out only now, together with the commit.
        let limit = options.statements + options.commit;
        let outcome = timeout(limit, told.commit(flight, statements)).await;
        Ok((told, epoch, outcome.unwrap_or(Err(StoreError::TimedOut(limit)))))
    }

    /// Finds out what became of a commit that was never answered; [`Refused::Unavailable`] where it was rolled back for certain.
    async fn resolve(&mut self, trace: &Trace) -> Result<i64, Refused> {
        let limit = self.shared.options.fate;
        let ask = async {
            loop {
                match self.ask(trace).await {
                    Ok(Some(outcome)) => return outcome,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "cannot ask for the fate of a commit yet");
                        self.disconnect();
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let outcome = timeout(limit, ask).await.unwrap_or(Err(Refused::OutcomeUnknown));
        let ending = match outcome {
            Ok(_) => "recovered_committed",
            Err(Refused::Unavailable) => "recovered_aborted",
            Err(_) => "unknown",
        };
        count(ending);
        outcome
    }

    /// Asks once; `None` while the transaction may still run.
    async fn ask(&mut self, trace: &Trace) -> Result<Option<Result<i64, Refused>>, StoreError> {
        let connection = self.connect().await?;
        if connection.epoch() != trace.epoch {
            // Another cluster answers: what it lacks may have been committed in the other.
            return Ok(Some(Err(Refused::OutcomeUnknown)));
        }
        Ok(match fate(connection, trace).await? {
            Fate::Committed(position) => Some(Ok(position)),
            Fate::Aborted => Some(Err(Refused::Unavailable)),
            Fate::Running => None,
        })
    }

    /// Makes the partitions that are missing, within the time of a lot's statements; `false` when that failed.
    async fn make_partitions(&self) -> bool {
        let make = async {
            let client = self.shared.database.connect(Role::Meta).await?;
            partitions::ensure(&client, self.shared.clock.now()).await
        };
        let limit = self.shared.options.statements;
        match timeout(limit, make).await.unwrap_or(Err(StoreError::TimedOut(limit))) {
            Ok(made) => {
                tracing::warn!(made, "a partition was missing under a lot");
                true
            }
            Err(error) => {
                tracing::error!(%error, "a partition is missing and cannot be made");
                false
            }
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// How an attempt at a lot may end.
const OUTCOMES: [&str; 5] = ["committed", "failed", "recovered_committed", "recovered_aborted", "unknown"];

/// Counts an attempt at a lot by how it ended.
fn count(outcome: &'static str) {
    metrics::counter!(Counter::Lots.name(), "outcome" => outcome).increment(1);
}

/// Shows every count, at 0.
pub(super) fn begin() {
    for outcome in OUTCOMES {
        metrics::counter!(Counter::Lots.name(), "outcome" => outcome).increment(0);
    }
    telemetry::count(Counter::RejectedDropped, 0);
}

/// The receipts of a lot, one per batch.
fn receipts_of(jobs: &[Arc<Job>], epoch: i32, told: Told, position: i64, now: Timestamp) -> Vec<Receipt> {
    let epoch = u32::try_from(epoch).unwrap_or(0);
    let tx = u64::try_from(position).unwrap_or(0);
    let last_ids: HashMap<i64, i64> = told.order.iter().map(|lot| (lot.datasource, lot.last_id)).collect();
    jobs.iter()
        .zip(told.outcomes)
        .map(|(job, outcomes)| {
            let last = last_ids.get(&job.inlet.datasource).copied();
            let id = last.and_then(|id| u64::try_from(id).ok()).unwrap_or(i64::MAX.cast_unsigned());
            Receipt { outcomes, cursor: Cursor { epoch, tx, id }, received_at: now }
        })
        .collect()
}
