//! Some rows that are stored together: read and judged on a thread of their own, which is at most a few of them ahead.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, bail};
use tokio::sync::mpsc::Sender;

use super::{
    Kind,
    input::Format,
    judge::{Judge, Scratch},
    rows::Rows,
    table::Table,
};
use crate::{
    domain::{event::EventDraft, rejection::Fault},
    ingest::ContactOp,
};

/// Rows that are stored together: half a lot, so that one is made ready while another is written.
const ROWS: usize = 1_000;
/// Bytes of their text, beyond which no more are taken.
const BYTES: usize = 1 << 20;

/// Why a row is not stored.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) kind: Kind,
    /// Never empty.
    pub(super) faults: Vec<Fault>,
    /// Its shape without the customer's data.
    pub(super) excerpt: Option<String>,
}

impl Refusal {
    pub(super) fn of(code: &'static str, kind: Kind, fault: Fault) -> Self {
        Self { code, kind, faults: vec![fault], excerpt: None }
    }
}

/// What becomes of a row.
#[derive(Debug)]
pub(super) enum Verdict {
    Event(EventDraft),
    Contact(ContactOp),
    /// It is of a kind that was not asked for.
    Skipped,
    Refused(Refusal),
}

/// A row that was judged. What is to be stored of it is the next one in its chunk.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    /// Where its text is in that of the chunk.
    pub(super) place: Range<usize>,
    pub(super) fate: Fate,
}

/// Where a row is to go.
#[derive(Debug)]
pub(super) enum Fate {
    Event,
    Contact,
    Skipped,
    Refused(Refusal),
}

/// A place between two rows of the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Unpacked bytes before it.
    pub(super) offset: u64,
    /// Lines before it.
    pub(super) lines: u64,
    /// Bytes of the file that were read when it was passed.
    pub(super) taken: u64,
    /// What rows are that do not say it themselves, once that was told.
    pub(super) plain: Option<Kind>,
}

/// Some rows of the input in its order.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) text: Vec<u8>,
    pub(super) rows: Vec<Row>,
    pub(super) events: Vec<EventDraft>,
    pub(super) contacts: Vec<ContactOp>,
    /// Hashes of the ids in it: what another one holds as well has to wait for it.
    pub(super) ids: HashSet<u64>,
    /// Where it ends.
    pub(super) end: Mark,
}

/// What the thread that reads has to say.
pub(super) enum Message {
    Chunk(Box<Chunk>),
    /// Everything was read, or it was told to stop.
    End,
    Failed(anyhow::Error),
}

/// What is read.
pub(super) struct Reading {
    pub(super) rows: Rows,
    /// Bytes of the file that were read.
    pub(super) taken: std::sync::Arc<std::sync::atomic::AtomicU64>,
    pub(super) format: Format,
    pub(super) delimiter: u8,
    /// The header of a table, where its rows are read from the middle.
    pub(super) header: Option<Vec<u8>>,
}

impl Reading {
    /// Reads chunk after chunk until the end, or until `stop` says so or nobody takes them.
    pub(super) fn run(mut self, mut judge: Judge, chunks: &Sender<Message>, stop: &AtomicBool) {
        let last = match self.all(&mut judge, chunks, stop) {
            Ok(()) => Message::End,
            Err(error) => Message::Failed(error),
        };
        // Whoever does not listen any more has ended for a reason of its own.
        let _unheard = chunks.blocking_send(last);
    }

    fn all(&mut self, judge: &mut Judge, chunks: &Sender<Message>, stop: &AtomicBool) -> anyhow::Result<()> {
        if self.format == Format::Csv {
            self.read_header(judge)?;
        }
        let ids = RandomState::new();
        let mut scratch = Scratch::default();
        while !stop.load(Ordering::Relaxed) {
            let chunk = self.chunk(judge, &ids, &mut scratch)?;
            let ended = chunk.rows.is_empty();
            // The last one may hold no rows, but tells where the input ends.
            if chunks.blocking_send(Message::Chunk(Box::new(chunk))).is_err() || ended {
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_header(&mut self, judge: &mut Judge) -> anyhow::Result<()> {
        let mut header = self.header.take().unwrap_or_default();
        if header.is_empty() && self.rows.next(&mut header).context("cannot read the input")?.is_none() {
            bail!("the input is empty: a CSV file begins with a header");
        }
        let standing = judge.standing()?;
        let table = Table::of(&header, self.delimiter, judge.wanted, &standing.project.catalogue)?;
        judge.plain = Some(table.kind());
        judge.table = Some(table);
        Ok(())
    }

    fn chunk(
        &mut self,
        judge: &mut Judge,
        ids: &RandomState,
        scratch: &mut Scratch,
    ) -> anyhow::Result<Chunk> {
        let mut chunk = Chunk::default();
        let standing = judge.standing()?;
        while chunk.rows.len() < ROWS && chunk.text.len() < BYTES {
            let begin = chunk.text.len();
            let Some(found) = self.rows.next(&mut chunk.text).context("cannot read the input")? else {
                break;
            };
            let text = &chunk.text[begin..];
            let verdict = judge.row(&standing, scratch, (found.line, text, found.whole))?;
            let place = begin..chunk.text.len();
            let fate = chunk.sort(verdict, ids);
            if matches!(fate, Fate::Skipped) {
                chunk.text.truncate(begin);
            }
            chunk.rows.push(Row { line: found.line, place, fate });
        }
        let taken = self.taken.load(Ordering::Relaxed);
        let Rows { offset, lines, .. } = self.rows;
        chunk.end = Mark { offset, lines, taken, plain: judge.plain };
        Ok(chunk)
    }
}

impl Chunk {
    fn sort(&mut self, verdict: Verdict, ids: &RandomState) -> Fate {
        match verdict {
            Verdict::Event(draft) => {
                self.ids.insert(hash(ids, Kind::Events, &draft.event_id));
                self.events.push(draft);
                Fate::Event
            }
            Verdict::Contact(operation) => {
                self.ids.insert(hash(ids, Kind::Contacts, operation.user_id()));
                self.contacts.push(operation);
                Fate::Contact
            }
            Verdict::Skipped => Fate::Skipped,
            Verdict::Refused(refusal) => Fate::Refused(refusal),
        }
    }
}

fn hash(ids: &RandomState, kind: Kind, id: &str) -> u64 {
    ids.hash_one((kind, id))
}
