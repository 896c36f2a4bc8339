//! The import on its way: chunks from the thread that reads to the writer, a few at once, and what became of them back in order.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use tokio::sync::mpsc::{self, Receiver};

use super::{
    Options, REPORT,
    checkpoint::{Checkpoint, Start},
    chunk::{Chunk, Mark, Message, Reading},
    counts::Counts,
    input::{Format, Source},
    judge::Judge,
    report::Report,
    rows::Rows,
    send::{Sender, Settled},
    station::Station,
};
use crate::{
    cli::{progress::Transfer, signals::Signals},
    domain::clock::SharedClock,
};

/// Chunks that were read and wait.
const AHEAD: usize = 2;
/// Chunks in the writer at once: enough that a lane is never without.
const FLIGHT: usize = 6;
/// Time between two checkpoints.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// How an import ended.
pub(super) struct Ended {
    pub(super) counts: Counts,
    /// Whether the end of the input was reached.
    pub(super) complete: bool,
}

/// Imports from a place on, until the end or a signal; what is in flight is waited for either way.
///
/// # Errors
/// When the input cannot be read, the store stays away, or a file beside the input cannot be written.
pub(super) async fn run(
    station: &Station,
    options: &Options,
    source: &Source,
    (checkpoint, start): (Option<Checkpoint>, Start),
    (clock, mut signals): (&SharedClock, Signals),
) -> anyhow::Result<Ended> {
    let report_path = source.beside(REPORT);
    let report = Report::from(&report_path, start.report_bytes)
        .with_context(|| format!("cannot write {}", report_path.display()))?;
    let stop = Arc::new(AtomicBool::new(false));
    let chunks = read(station, options, source, start, clock, stop.clone())?;
    let total = source.identity.as_ref().map(|identity| identity.bytes);
    let mark = Mark { offset: start.offset, lines: start.lines, taken: 0, plain: start.plain };
    let mut books = Books {
        checkpoint,
        report,
        counts: start.counts,
        mark,
        kept_at: clock.monotonic(),
        meter: Transfer::new("importing", total, start.counts.rows, clock.clone()),
        clock: clock.clone(),
    };
    let flight = Flight::new(station.sender.clone());
    let outcome = flow(chunks, flight, &mut books, &mut signals, &stop).await;
    stop.store(true, Ordering::Relaxed);
    books.end(outcome)
}

/// Starts the thread that reads. It is none of the runtime's, which would wait for one that waits for standard input.
fn read(
    station: &Station,
    options: &Options,
    source: &Source,
    start: Start,
    clock: &SharedClock,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Receiver<Message>> {
    let name = source.name();
    let failed = || format!("cannot read {name}");
    let mut header = None;
    if source.format == Format::Csv && start.offset > 0 {
        let input = source.open(0).with_context(failed)?;
        let mut rows = Rows::new(input, source.format, options.delimiter, (0, 0));
        let mut line = Vec::new();
        rows.next(&mut line).with_context(failed)?;
        header = Some(line);
    }
    let input = source.open(start.offset).with_context(failed)?;
    let taken = input.taken.clone();
    let (format, delimiter) = (source.format, options.delimiter);
    let rows = Rows::new(input, format, delimiter, (start.offset, start.lines));
    let reading = Reading { rows, taken, format, delimiter, header };
    let judge = Judge {
        authority: station.authority.clone(),
        clock: clock.clone(),
        datasource: options.datasource.clone(),
        caps: options.limits.caps(),
        wanted: options.kind,
        plain: start.plain.or(options.kind),
        table: None,
    };
    let (chunks, ahead) = mpsc::channel(AHEAD);
    std::thread::Builder::new()
        .name("import".into())
        .spawn(move || reading.run(judge, &chunks, &stop))
        .context("cannot start a thread")?;
    Ok(ahead)
}

/// Whether the end of the input was reached.
async fn flow(
    mut chunks: Receiver<Message>,
    mut flight: Flight,
    books: &mut Books,
    signals: &mut Signals,
    stop: &AtomicBool,
) -> anyhow::Result<bool> {
    let (mut held, mut reading, mut complete) = (None, true, true);
    loop {
        if let Some(chunk) = held.take() {
            held = flight.start(chunk);
        }
        if !reading && held.is_none() && flight.is_empty() {
            return Ok(complete);
        }
        tokio::select! {
            biased;
            () = signals.next() => {
                if !complete {
                    bail!("ended by a second signal, before everything was answered");
                }
                // What is held was not begun, and comes again when it goes on.
                (reading, complete, held) = (false, false, None);
                stop.store(true, Ordering::Relaxed);
                chunks.close();
            }
            Some(settled) = flight.next() => books.note(&settled?)?,
            message = chunks.recv(), if reading && held.is_none() => match message {
                Some(Message::Chunk(chunk)) => held = Some(*chunk),
                Some(Message::End) => reading = false,
                Some(Message::Failed(error)) => {
                    // What was read before it is stored, so that the checkpoint is right behind it.
                    while let Some(settled) = flight.next().await {
                        books.note(&settled?)?;
                    }
                    return Err(error);
                }
                None => bail!("the thread that reads broke"),
            },
        }
    }
}

/// Chunks in the writer, oldest first. Of two that hold the same id the second waits, so that they are stored in their order.
struct Flight {
    sender: Arc<Sender>,
    going: FuturesOrdered<BoxFuture<'static, anyhow::Result<Settled>>>,
    ids: VecDeque<HashSet<u64>>,
}

impl Flight {
    fn new(sender: Arc<Sender>) -> Self {
        Self { sender, going: FuturesOrdered::new(), ids: VecDeque::new() }
    }

    fn is_empty(&self) -> bool {
        self.going.is_empty()
    }

    /// Begins a chunk; gives it back where it has to wait.
    fn start(&mut self, mut chunk: Chunk) -> Option<Chunk> {
        if self.going.len() >= FLIGHT || self.ids.iter().any(|before| !before.is_disjoint(&chunk.ids)) {
            return Some(chunk);
        }
        self.ids.push_back(std::mem::take(&mut chunk.ids));
        let sender = self.sender.clone();
        self.going.push_back(Box::pin(async move { sender.settle(chunk).await }));
        None
    }

    /// The oldest, once it is stored; none while there is none.
    async fn next(&mut self) -> Option<anyhow::Result<Settled>> {
        let settled = self.going.next().await?;
        self.ids.pop_front();
        Some(settled)
    }
}

/// What is known of the rows that are behind.
struct Books {
    checkpoint: Option<Checkpoint>,
    report: Report,
    counts: Counts,
    /// Everything before it is durable.
    mark: Mark,
    kept_at: u64,
    meter: Transfer,
    clock: SharedClock,
}

impl Books {
    /// Notes what became of the next chunk.
    fn note(&mut self, settled: &Settled) -> anyhow::Result<()> {
        let before = self.counts.rejected();
        for (outcome, rejected) in settled.rows() {
            self.counts.rows += 1;
            match (&outcome, &rejected) {
                (Some(outcome), _) => self.counts.note(*outcome),
                (None, Some(_)) => self.counts.invalid += 1,
                (None, None) => self.counts.skipped += 1,
            }
            if let Some(rejected) = rejected {
                let added = self.report.add(rejected.line, rejected.code, &rejected.faults, rejected.text);
                added.context("cannot write the report of rejected rows")?;
            }
        }
        self.mark = settled.chunk.end;
        let rejected = self.counts.rejected();
        let (rows, taken) = (self.counts.rows, self.mark.taken);
        self.meter.show(taken, rows, if rejected > before { Some(rejected) } else { None });
        let waited = Duration::from_nanos(self.clock.monotonic().saturating_sub(self.kept_at));
        if waited >= KEEP_EVERY { self.keep() } else { Ok(()) }
    }

    fn keep(&mut self) -> anyhow::Result<()> {
        self.kept_at = self.clock.monotonic();
        self.report.sync().context("cannot write the report of rejected rows")?;
        match &mut self.checkpoint {
            Some(checkpoint) => checkpoint.keep(self.mark, self.report.bytes, self.counts),
            None => Ok(()),
        }
    }

    fn end(mut self, outcome: anyhow::Result<bool>) -> anyhow::Result<Ended> {
        if outcome.is_err() && self.mark.offset == 0 {
            // Nothing was begun, so there is nothing to go on with.
            self.checkpoint.take().map_or(Ok(()), Checkpoint::done)?;
        }
        // Also where it failed: what is stored need not be read again.
        let kept = self.keep();
        let complete = outcome?;
        kept?;
        if let Some(checkpoint) = self.checkpoint.take().filter(|_| complete) {
            checkpoint.done()?;
        }
        Ok(Ended { counts: self.counts, complete })
    }
}
