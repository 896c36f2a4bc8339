//! One endpoint, opened: where it is, what signs for it, and how one message is sent.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use super::{
    line::Line,
    message::{self, Message, Verdict},
    schedule::Schedule,
    secrets::{SecretError, Secrets},
    station::Station,
};
use crate::{
    auth::Authority,
    domain::{
        caps::Caps,
        clock::{Entropy, SharedClock, SharedEntropy},
        cursor::Cursor,
        pattern::Patterns,
    },
    store::{
        Pool, StoreError,
        outbound::{self, Item, Wanted},
        webhooks::{
            Webhook,
            record::Attempt,
            work::{Pending, Work},
        },
    },
    stream::mask::Sight,
};

/// An endpoint cannot be delivered to, for reasons of this side.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// The secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What is stored of it.
    #[error("{0}")]
    Content(String),
}

/// Since when something waits, for whoever measures it.
#[derive(Debug, Clone, Default)]
pub(super) struct Lag(Arc<AtomicI64>);

impl Lag {
    pub(super) fn set(&self, since: Option<Timestamp>) {
        self.0.store(since.map_or(0, Timestamp::as_microsecond), Ordering::Relaxed);
    }

    /// Seconds for which it has waited; none where nothing does.
    pub(super) fn seconds(&self, now: Timestamp) -> f64 {
        match self.0.load(Ordering::Relaxed) {
            0 => 0.0,
            since => (now.as_microsecond().saturating_sub(since)).max(0) as f64 / 1e6,
        }
    }
}

/// An endpoint that this node delivers to.
pub(super) struct Endpoint {
    pub(super) work: Work,
    pub(super) patterns: Patterns,
    pub(super) clock: SharedClock,
    pub(super) pages: Pool,
    pub(super) rows: Pool,
    pub(super) lag: Lag,
    pub(super) grace: Duration,
    entropy: SharedEntropy,
    authority: Authority,
    schedule: Schedule,
    line: Line,
    secrets: Secrets,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.work.id)
    }
}

/// What is sent.
#[derive(Debug)]
pub(super) enum What {
    /// An item that was just fetched.
    Fresh(Box<Item>),
    /// One that was sent before, or that somebody asked for.
    Again(Pending),
}

impl What {
    pub(super) fn cursor(&self) -> Cursor {
        match self {
            Self::Fresh(item) => item.cursor,
            Self::Again(pending) => pending.cursor,
        }
    }

    /// How often it was sent.
    pub(super) fn attempts(&self) -> i32 {
        match self {
            Self::Fresh(_) => 0,
            Self::Again(pending) => pending.attempts,
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Flown {
    pub(super) what: What,
    pub(super) sent: Sent,
}

/// How far an attempt came.
#[derive(Debug)]
pub(super) enum Sent {
    /// To the receiver, or on the way there.
    Tried(Attempt, Verdict),
    /// Nowhere: the item is no longer kept.
    Gone,
    /// Nowhere, and it never will: what is kept is no item. It is an attempt all the same, to be seen.
    Broken(Attempt),
    /// Nowhere, for now.
    Held,
}

impl Endpoint {
    /// Opens what the database holds of it.
    ///
    /// # Errors
    /// [`Unfit`] when nothing can be sent.
    pub(super) async fn open(station: &Station, work: Work, lag: Lag) -> Result<Self, Unfit> {
        let line = Line::to(station.dialer.clone(), &work.url, station.options.total);
        let line = line.map_err(|error| Unfit::Content(error.to_string()))?;
        let patterns = Patterns::parse(&work.types, Caps::default().type_bytes);
        let patterns = patterns.map_err(|error| Unfit::Content(format!("a type {error}")))?;
        let secrets = Secrets::open(&station.vault, work.id, &work.sealed, work.before.as_ref()).await?;
        Ok(Self {
            patterns,
            clock: station.clock.clone(),
            pages: station.pages.clone(),
            rows: station.rows.clone(),
            lag,
            grace: station.options.grace,
            entropy: station.entropy.clone(),
            authority: station.authority.clone(),
            schedule: station.options.schedule.clone(),
            line,
            secrets,
            work,
        })
    }

    /// How long to wait after so many attempts; `None` when that was the last one.
    pub(super) fn wait(&self, attempts: i32, asked: Option<Duration>) -> Option<Duration> {
        self.schedule.wait(attempts.cast_unsigned(), chance(self.entropy.as_ref()), asked)
    }

    /// Sends it once.
    pub(super) async fn fly(&self, what: What) -> Flown {
        let item = match &what {
            What::Fresh(item) => Ok(Some(Item::clone(item))),
            What::Again(pending) => item_at(&self.pages, self.work.project, pending.cursor).await,
        };
        let item = match item {
            Ok(Some(item)) => item,
            Ok(None) => return Flown { what, sent: Sent::Gone },
            Err(error) => {
                tracing::warn!(%error, webhook = %self.work.id, "a message could not be read again");
                return Flown { what, sent: Sent::Held };
            }
        };
        let Some(catalogue) = self.authority.catalogue(self.work.project) else {
            // The project is being deleted, or is not known here yet.
            return Flown { what, sent: Sent::Held };
        };
        let number = what.attempts().saturating_add(1);
        let sight = if self.work.whole { Sight::Whole } else { Sight::Masked };
        let message = match Message::about(&item, sight, &catalogue) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, webhook = %self.work.id, "what the log holds is not an object");
                let broken = message::unwritten(&item, number, self.clock.now());
                return Flown { what, sent: Sent::Broken(broken) };
            }
        };
        let (attempt, verdict) =
            message::attempt(&self.line, &self.secrets, &message, number, self.clock.as_ref()).await;
        Flown { what, sent: Sent::Tried(attempt, verdict) }
    }
}

/// The item at a place; `None` when it is no longer kept, or never was there.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn item_at(pages: &Pool, project: i64, cursor: Cursor) -> Result<Option<Item>, StoreError> {
    let Some(before) = cursor.id.checked_sub(1) else { return Ok(None) };
    let patterns = Patterns::default();
    let after = Some(Cursor { id: before, ..cursor });
    let wanted = Wanted { project, after, patterns: &patterns, datasources: None, limit: 1 };
    let page = match outbound::page(pages, &wanted).await {
        Ok(page) => page,
        Err(StoreError::Expired(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(page.items.into_iter().next().filter(|item| item.cursor == cursor))
}

/// Whether an endpoint asks for an item.
pub fn takes(webhook: &Webhook, item: &Item) -> bool {
    let of_datasource = webhook.datasources.as_ref().is_none_or(|uids| uids.contains(&item.datasource));
    let patterns = Patterns::parse(&webhook.types, usize::MAX).unwrap_or_default();
    of_datasource && patterns.matches(&item.event_type)
}

/// A number from 0 to 1. Where there is no randomness, it is the middle: waits need no secret.
fn chance(entropy: &dyn Entropy) -> f64 {
    let mut bytes = [0u8; 2];
    match entropy.fill(&mut bytes) {
        Ok(()) => f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX),
        Err(_) => 0.5,
    }
}
