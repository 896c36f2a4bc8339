//! The stream from a place to its end, page after page: one is read while the one before it is written.

use std::{
    io::{self, Write},
    sync::Arc,
};

use anyhow::Context;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::output::Output;
use crate::{
    auth::Project,
    cli::{progress::Transfer, signals::Signals},
    domain::{cursor::Cursor, pattern::Patterns},
    store::{
        Pool, StoreError,
        log::Kind,
        outbound::{self, Item, LONGEST, Page, Wanted},
    },
    stream::{item::StreamItem, mask::Sight},
};

/// Parts of the way that the bar shows.
pub(super) const PARTS: u64 = 10_000;

/// What is written.
pub(super) struct Walk {
    pub(super) pool: Pool,
    pub(super) project: Arc<Project>,
    pub(super) patterns: Patterns,
    /// By row; every one without.
    pub(super) datasources: Option<Vec<i64>>,
    /// Received then or later.
    pub(super) from: Option<Timestamp>,
    /// Received before.
    pub(super) to: Option<Timestamp>,
    pub(super) sight: Sight,
    /// The last place.
    pub(super) end: Cursor,
    /// When that was reached, or will be: for the bar.
    pub(super) until: Timestamp,
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) events: u64,
    pub(super) contacts: u64,
    /// Everything up to here was written; none where nothing was read.
    pub(super) cursor: Option<Cursor>,
    pub(super) stopped: Stopped,
    /// The time up to which everything was written, where one was asked for that had come.
    pub(super) reached: Option<Timestamp>,
}

/// Why it ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It is at its end.
    #[default]
    AtTheEnd,
    /// A signal asked for it.
    BySignal,
    /// Nobody reads what is written.
    Unread,
}

impl Walk {
    /// Writes everything behind `after`, up to the end.
    ///
    /// # Errors
    /// When the database cannot be asked, or the output not be written; a reader that went away is no error.
    pub(super) async fn run(
        self: Arc<Self>,
        after: Option<Cursor>,
        output: &mut Output,
        meter: Option<&mut Transfer>,
        signals: &mut Signals,
    ) -> anyhow::Result<Told> {
        let mut told = Told { cursor: after, ..Told::default() };
        match self.all(after, output, meter, signals, &mut told).await {
            Ok(()) => {}
            Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                told.stopped = Stopped::Unread;
            }
            Err(Failure::Output(error)) => return Err(error).context("cannot write the output"),
            Err(Failure::Other(error)) => return Err(error),
        }
        Ok(told)
    }

    async fn all(
        self: &Arc<Self>,
        after: Option<Cursor>,
        output: &mut Output,
        mut meter: Option<&mut Transfer>,
        signals: &mut Signals,
        told: &mut Told,
    ) -> Result<(), Failure> {
        let mut coming = self.fetch(after);
        let mut first = None;
        loop {
            let page = tokio::select! {
                page = &mut coming => page.context("the task that reads broke")?.context("the stream cannot be read")?,
                () = signals.next() => {
                    told.stopped = Stopped::BySignal;
                    let _unwanted = coming.await;
                    break;
                }
            };
            let over = page.caught_up || page.next >= self.end;
            if !over {
                coming = self.fetch(Some(page.next));
            }
            if let (Some(meter), Some(item)) = (&mut meter, page.items.last()) {
                let begin = *first.get_or_insert(page.items[0].received_at);
                meter.show(self.part(begin, item.received_at), told.events + told.contacts, None);
            }
            let next = page.next.min(self.end);
            if let Err(failure) = self.lines(page, output, told) {
                if !over {
                    // Read to its end, so that no connection is cut off under a question.
                    let _unwanted = coming.await;
                }
                return Err(failure);
            }
            told.cursor = Some(next);
            if over {
                break;
            }
        }
        output.finish().map_err(Failure::Output)
    }

    /// Writes the items of a page that are wanted.
    fn lines(&self, page: Page, output: &mut Output, told: &mut Told) -> Result<(), Failure> {
        for item in page.items.into_iter().filter(|item| self.takes(item)) {
            let count = if item.kind == Kind::Event { &mut told.events } else { &mut told.contacts };
            let line = StreamItem::of(item, self.sight, &self.project.catalogue).context(DEFECT)?;
            serde_json::to_writer(&mut *output, &line).map_err(io::Error::from).map_err(Failure::Output)?;
            output.write_all(b"\n").map_err(Failure::Output)?;
            *count += 1;
        }
        Ok(())
    }

    /// Reads the next page apart from what is done meanwhile.
    fn fetch(self: &Arc<Self>, after: Option<Cursor>) -> JoinHandle<Result<Page, StoreError>> {
        let walk = self.clone();
        tokio::spawn(async move {
            let wanted = Wanted {
                project: walk.project.id,
                after,
                patterns: &walk.patterns,
                datasources: walk.datasources.as_deref(),
                limit: LONGEST,
            };
            outbound::page(&walk.pool, &wanted).await
        })
    }

    fn takes(&self, item: &Item) -> bool {
        item.cursor <= self.end
            && self.from.is_none_or(|from| item.received_at >= from)
            && self.to.is_none_or(|to| item.received_at < to)
    }

    /// How far a time is on the way from the first item to the end.
    fn part(&self, begin: Timestamp, now: Timestamp) -> u64 {
        let all = self.until.duration_since(begin).as_millis().max(1);
        let done = now.duration_since(begin).as_millis().clamp(0, all);
        u64::try_from(done * i128::from(PARTS) / all).unwrap_or(PARTS)
    }
}

/// What the log holds is no JSON object.
const DEFECT: &str = "an item of the log cannot be written";

/// Why a walk ended before its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Output(io::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}
