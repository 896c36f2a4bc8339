//! Chunks into the writer: patient where the store is away, and once more in halves where the database refuses a value.

use std::{ops::Range, time::Duration};

use anyhow::{bail, ensure};

use super::{
    Kind,
    chunk::{Chunk, Fate, Row},
};
use crate::{
    auth::Authority,
    domain::{
        clock::SharedClock,
        ids::Inlet,
        rejection::{Fault, Rejection},
    },
    ingest::{
        EventRows, Handle, Outcome, Refused, Work, fates,
        ledger::{Account, Asked, Call, Ledger},
    },
};

/// For how long a store that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// Stores chunks.
pub(super) struct Sender {
    pub(super) authority: Authority,
    pub(super) handle: Handle,
    pub(super) ledger: Ledger,
    pub(super) clock: SharedClock,
    pub(super) inlet: Inlet,
}

/// A chunk that was stored, and what became of what it held; none where the database refuses the item.
pub(super) struct Settled {
    pub(super) chunk: Chunk,
    pub(super) events: Vec<Option<Outcome>>,
    pub(super) contacts: Vec<Option<Outcome>>,
}

impl Sender {
    /// Stores all of a chunk that is fit for it.
    ///
    /// # Errors
    /// When the store stays away, or by a defect. Some of the chunk may be stored then.
    pub(super) async fn settle(&self, chunk: Chunk) -> anyhow::Result<Settled> {
        let bytes = chunk.text.len();
        let events = self.all(fates::Kind::Event, &chunk, chunk.events.len(), bytes, |range| {
            Work::Events(chunk.events[range].iter().collect::<EventRows>())
        });
        let contacts = self.all(fates::Kind::Contact, &chunk, chunk.contacts.len(), bytes, |range| {
            Work::Contacts(chunk.contacts[range].to_vec())
        });
        let (events, contacts) = tokio::try_join!(events, contacts)?;
        Ok(Settled { chunk, events, contacts })
    }

    /// Stores the items of one kind, and notes those of the chunk that were refused before.
    async fn all(
        &self,
        kind: fates::Kind,
        chunk: &Chunk,
        count: usize,
        bytes: usize,
        work: impl Fn(Range<usize>) -> Work,
    ) -> anyhow::Result<Vec<Option<Outcome>>> {
        let mut bad = self.note_refused(kind, chunk);
        if count == 0 {
            if bad > 0 {
                self.ledger.call(self.inlet.datasource, Call { kind, success: false, good: 0, bad });
            }
            return Ok(Vec::new());
        }
        let mut outcomes = vec![None; count];
        let mut left = Vec::new();
        left.push(0..count);
        while let Some(range) = left.pop() {
            let account = Account { kind, asked: Asked::Push, bad: std::mem::take(&mut bad) };
            match self.append(|| work(range.clone()), bytes, account).await? {
                Some(found) => {
                    for (outcome, found) in outcomes[range].iter_mut().zip(found) {
                        *outcome = Some(found);
                    }
                }
                // Validation let a value through that the database refuses: the halves tell whose it is.
                None if range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    left.push(middle..range.end);
                    left.push(range.start..middle);
                }
                None => {}
            }
        }
        Ok(outcomes)
    }

    /// Keeps what was refused for whoever looks after the datasource, as a push does; answers how many there were.
    fn note_refused(&self, kind: fates::Kind, chunk: &Chunk) -> usize {
        let mut bad = 0;
        for row in &chunk.rows {
            let Fate::Refused(refusal) = &row.fate else { continue };
            if refusal.kind.fate() == kind
                && let Some(rejection) = Rejection::from_faults(refusal.faults.clone())
            {
                bad += 1;
                self.ledger.reject(self.inlet.datasource, kind, &rejection, refusal.excerpt.as_deref());
            }
        }
        bad
    }

    /// Hands work to the writer until it is stored; none where the database refuses a value in it.
    async fn append(
        &self,
        work: impl Fn() -> Work,
        bytes: usize,
        account: Account,
    ) -> anyhow::Result<Option<Vec<Outcome>>> {
        let began = self.clock.monotonic();
        loop {
            // A purge would not see what comes behind it.
            ensure!(!self.authority.is_closed(self.inlet.datasource), "the datasource is being purged");
            let refused = match self.handle.admit(self.inlet, bytes) {
                Ok(room) => match self.handle.append(room, self.inlet, work(), account).await {
                    Ok(receipt) => return Ok(Some(receipt.outcomes)),
                    Err(refused) => refused,
                },
                Err(refused) => refused,
            };
            let waited = Duration::from_nanos(self.clock.monotonic().saturating_sub(began));
            match refused {
                Refused::Unstorable => return Ok(None),
                // What may have been stored is told from what was not when it is sent again.
                Refused::Overloaded | Refused::Unavailable | Refused::OutcomeUnknown if waited < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                refused => bail!("{refused}; it was tried for {} s", waited.as_secs()),
            }
        }
    }
}

/// What the report has to say of a row.
pub(super) struct Rejected<'a> {
    pub(super) line: u64,
    pub(super) code: &'static str,
    pub(super) faults: Vec<Fault>,
    pub(super) text: &'a [u8],
}

impl Settled {
    /// Each row with what became of it: an outcome, nothing where it was skipped, and what to report where it was rejected.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Option<Outcome>, Option<Rejected<'_>>)> {
        let mut events = self.events.iter();
        let mut contacts = self.contacts.iter();
        self.chunk.rows.iter().map(move |row| match &row.fate {
            Fate::Event => self.stored(row, events.next().copied().flatten()),
            Fate::Contact => self.stored(row, contacts.next().copied().flatten()),
            Fate::Skipped => (None, None),
            Fate::Refused(refusal) => (None, Some(self.rejected(row, refusal.code, refusal.faults.clone()))),
        })
    }

    fn stored(&self, row: &Row, outcome: Option<Outcome>) -> (Option<Outcome>, Option<Rejected<'_>>) {
        let Some(outcome) = outcome else {
            let fault = Fault::whole("holds a value that the database refuses");
            return (None, Some(self.rejected(row, "unstorable", vec![fault])));
        };
        let code = if outcome == Outcome::Conflict { "conflict" } else { "too_large" };
        let rejected = outcome.fault().map(|fault| self.rejected(row, code, vec![fault]));
        (Some(outcome), rejected)
    }

    fn rejected(&self, row: &Row, code: &'static str, faults: Vec<Fault>) -> Rejected<'_> {
        Rejected { line: row.line, code, faults, text: &self.chunk.text[row.place.clone()] }
    }
}

impl Kind {
    /// What the writer calls it.
    fn fate(self) -> fates::Kind {
        match self {
            Self::Events => fates::Kind::Event,
            Self::Contacts => fates::Kind::Contact,
        }
    }
}
