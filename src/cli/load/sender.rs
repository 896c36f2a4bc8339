//! What one connection does: take a time from the schedule, send, read, and see the request through.

use std::{future::poll_fn, io, sync::Arc, task::Poll, time::Duration};

use parking_lot::Mutex;
use tokio::time::sleep;

use super::{
    counts::Counts,
    endpoint::Endpoint,
    exchange::{Buffers, Connection},
    pace::{Schedule, nanos},
    patience::Patience,
    script::{Script, Verdict},
};

/// The wait before another attempt where the server names none, or its word is ignored.
const BACKOFF: Duration = Duration::from_millis(100);

/// A connection that was idle for longer is looked at before it is used: the server may have closed it.
const IDLE: Duration = Duration::from_millis(500);

/// The rules that all connections follow.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) endpoint: Endpoint,
    /// How long an attempt may take.
    pub(super) patience: Duration,
    /// How long, after the end, a request is sent again whose fate is not known.
    pub(super) settle: Duration,
    /// Wait as long as `Retry-After` says and send again; otherwise a refused request has failed.
    pub(super) honour_retry_after: bool,
    /// Latency counts from sending, not from the intended time.
    pub(super) closed_loop: bool,
}

/// One connection and its script.
pub(super) struct Sender<S> {
    rules: Arc<Rules>,
    schedule: Arc<Schedule>,
    counts: Arc<Mutex<Counts>>,
    script: S,
    connection: Option<Connection>,
    buffers: Buffers,
    patience: Patience,
    request: Vec<u8>,
    /// When the connection was last of use.
    used: u64,
}

/// How an attempt ended.
enum Attempt {
    Done,
    Failed,
    Again {
        wait: Duration,
        /// It may have been carried out.
        unsure: bool,
        /// The server said no.
        refused: bool,
    },
}

impl<S: Script> Sender<S> {
    pub(super) fn new(
        rules: Arc<Rules>,
        schedule: Arc<Schedule>,
        counts: Arc<Mutex<Counts>>,
        connection: Connection,
        script: S,
    ) -> Self {
        let patience = Patience::new(rules.patience);
        let used = schedule.now();
        let (connection, buffers, request) = (Some(connection), Buffers::default(), Vec::new());
        Self { rules, schedule, counts, script, connection, buffers, patience, request, used }
    }

    /// Sends until the schedule ends or the script does, and gives the script back.
    pub(super) async fn run(mut self) -> S {
        while let Some(due) = poll_fn(|context| self.schedule.poll_next(context)).await {
            self.request.clear();
            let Some(items) = self.script.render(&mut self.request) else { break };
            let due = if self.rules.closed_loop { self.schedule.now() } else { due };
            self.see_through(due, items as u64).await;
        }
        self.script
    }

    async fn see_through(&mut self, due: u64, items: u64) {
        let mut may_have_happened = false;
        loop {
            let (wait, refused) = match self.attempt(due, items).await {
                Attempt::Done => return,
                Attempt::Failed => {
                    self.counts.lock().failed += 1;
                    return;
                }
                Attempt::Again { wait, unsure, refused } => {
                    if unsure {
                        may_have_happened = true;
                        self.script.unsure();
                    }
                    (wait, refused)
                }
            };
            let dropped = refused && !self.rules.honour_retry_after && !may_have_happened;
            let settle = if may_have_happened { self.rules.settle } else { Duration::ZERO };
            if dropped || !pause(&self.schedule, wait, settle).await {
                self.counts.lock().failed += 1;
                self.script.given_up(may_have_happened);
                return;
            }
            self.counts.lock().retries += 1;
        }
    }

    async fn attempt(&mut self, due: u64, items: u64) -> Attempt {
        let mut connection = match self.connected().await {
            Ok(connection) => connection,
            Err(error) => {
                let mut counts = self.counts.lock();
                counts.connect_errors += 1;
                counts.trouble = Some(error.to_string());
                return Attempt::Again { wait: BACKOFF, unsure: false, refused: false };
            }
        };
        let exchanged = self.patience.hold(connection.exchange(&self.request)).await;
        let exchanged = exchanged.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
        let now = self.schedule.now();
        let mut counts = self.counts.lock();
        let read = match exchanged {
            Ok(read) => read,
            Err(error) => {
                counts.broken += 1;
                counts.trouble = Some(error.to_string());
                self.buffers = connection.into_buffers();
                return Attempt::Again { wait: BACKOFF, unsure: true, refused: false };
            }
        };
        counts.sent += self.request.len() as u64;
        counts.received += read.bytes as u64;
        *counts.statuses.entry(read.answer.status).or_default() += 1;
        let verdict = self.script.answered(&read.answer, &mut counts);
        if verdict == Verdict::Done {
            counts.done += 1;
            counts.items += items;
            counts.last_done = counts.last_done.max(now);
            counts.took(now.saturating_sub(due));
        }
        let asked = read.answer.retry_after.filter(|_| self.rules.honour_retry_after);
        let wait = asked.unwrap_or(BACKOFF);
        self.used = now;
        if read.closes {
            self.buffers = connection.into_buffers();
        } else {
            self.connection = Some(connection);
        }
        match verdict {
            Verdict::Done => Attempt::Done,
            Verdict::Failed => Attempt::Failed,
            Verdict::Refused => Attempt::Again { wait, unsure: false, refused: true },
            Verdict::Unsure => Attempt::Again { wait, unsure: true, refused: false },
        }
    }

    /// A connection that the server has not closed, as far as is known.
    async fn connected(&mut self) -> io::Result<Connection> {
        if let Some(mut connection) = self.connection.take() {
            let idle = self.schedule.now().saturating_sub(self.used) > nanos(IDLE);
            if !idle || poll_fn(|context| Poll::Ready(connection.is_quiet(context))).await {
                return Ok(connection);
            }
            self.buffers = connection.into_buffers();
        }
        let stream = self.rules.endpoint.connect(self.rules.patience).await?;
        Ok(Connection::new(stream, std::mem::take(&mut self.buffers)))
    }
}

/// Waits before another attempt; false when there is to be none, because the end is as long ago as `settle`.
async fn pause(schedule: &Schedule, wait: Duration, settle: Duration) -> bool {
    let until = schedule.now().saturating_add(nanos(wait));
    loop {
        let now = schedule.now();
        if schedule.is_over_since(settle) {
            return false;
        }
        if now >= until {
            return true;
        }
        // In steps, so that the end is not slept through.
        sleep(Duration::from_nanos(until - now).min(BACKOFF)).await;
    }
}
