//! Telling one lot to the database: claims, contacts, log, order. Everything up to the commit.

use std::sync::Arc;

use jiff::Timestamp;

use super::{claims, job::Job, people, receipt::Outcome, rows::EventRows};
use crate::{
    domain::{clock::Entropy, ids::Inlet},
    store::{
        StoreError,
        lane::Statements,
        log::{self, Kind},
        lots::{self, LotRow},
        wire::Flight,
    },
};

/// Where an item stands: which batch of the lot, which item of the batch.
pub(super) type Place = (usize, usize);

/// What a lot needs besides its batches.
pub(super) struct Setting<'a> {
    pub(super) statements: &'a Statements,
    pub(super) epoch: i32,
    /// Ids from here on are free for as many rows as the lot has items.
    pub(super) first_id: i64,
    pub(super) now: Timestamp,
    pub(super) entropy: &'a dyn Entropy,
    /// What one contact may hold, in bytes.
    pub(super) contact_bytes: usize,
    /// Whether event ids are taken for new until the database says otherwise.
    pub(super) trusting: bool,
}

/// A lot that the database was told of; what it says to it is still to be heard.
#[derive(Debug)]
pub(super) struct Told {
    /// Outcomes per batch, should it be committed.
    pub(super) outcomes: Vec<Vec<Outcome>>,
    /// What it leaves in the order, by datasource; none where nothing had to be written.
    pub(super) order: Vec<LotRow>,
    /// Statements whose answers are outstanding before that to the order.
    unheard: usize,
}

/// A row for the log.
pub(super) struct Entry<'j> {
    pub(super) inlet: Inlet,
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) audit_word: u64,
    /// Contacts made less contacts deleted.
    pub(super) net: i32,
    pub(super) row: Encoded<'j>,
}

/// Its tail, as binary `COPY` has it.
pub(super) enum Encoded<'j> {
    Event(&'j EventRows, usize),
    Change(Vec<u8>),
}

impl Encoded<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Event(rows, at) => rows.row(*at),
            Self::Change(bytes) => bytes,
        }
    }
}

/// Tells the database what the batches ask for, all but the commit.
///
/// # Errors
/// As [`Flight::rows`]; nothing is stored then.
pub(super) async fn tell(
    flight: &mut Flight<'_>,
    jobs: &[Arc<Job>],
    setting: &Setting<'_>,
) -> Result<Told, StoreError> {
    let mut outcomes: Vec<Vec<Outcome>> =
        jobs.iter().map(|job| vec![Outcome::Unchanged; job.work.len()]).collect();
    let mut entries = Vec::new();

    for person in &people::settle(flight, jobs, setting).await? {
        people::log_changes(person, setting.now, &mut outcomes, &mut entries);
    }
    let unheard = claims::settle(flight, jobs, setting, &mut outcomes, &mut entries).await?;
    if entries.is_empty() {
        return Ok(Told { outcomes, order: Vec::new(), unheard });
    }
    // A datasource's rows stand side by side, in the order in which its batches came.
    entries.sort_by_key(|entry| (entry.inlet.datasource, entry.place));
    let order = order(&entries, setting.first_id);
    let rows = entries.iter().map(|entry| (entry.inlet, entry.row.bytes()));
    log::append(flight, setting.statements, setting.first_id, rows, setting.now)?;
    lots::order(flight, setting.statements, setting.epoch, &order, setting.now)?;
    Ok(Told { outcomes, order, unheard: unheard + 1 })
}

impl Told {
    /// Commits, and hears what the database says to everything. Answers the lot's position in the stream.
    ///
    /// # Errors
    /// As [`Flight::rows`], where nothing is stored; once the connection is gone, the fate is open.
    pub(super) async fn commit(
        &self,
        mut flight: Flight<'_>,
        statements: &Statements,
    ) -> Result<i64, StoreError> {
        if self.order.is_empty() {
            lots::ask_newest(&mut flight, statements)?;
        }
        flight.seal().await?;
        for _ in 0..self.unheard {
            flight.done().await?;
        }
        let position = match self.order.is_empty() {
            true => lots::newest(&mut flight, statements).await?,
            false => lots::position(&mut flight, statements).await?,
        };
        flight.commit().await?;
        Ok(position)
    }
}

/// One lot per datasource over rows that are grouped by it.
fn order(entries: &[Entry<'_>], first_id: i64) -> Vec<LotRow> {
    let mut lots: Vec<LotRow> = Vec::new();
    for (id, entry) in (first_id..).zip(entries) {
        if lots.last().is_none_or(|lot| lot.datasource != entry.inlet.datasource) {
            lots.push(LotRow {
                project: entry.inlet.project,
                datasource: entry.inlet.datasource,
                first_id: id,
                last_id: id,
                events: 0,
                contacts: 0,
                contacts_net: 0,
                id_sum: 0,
                contact_sum: 0,
            });
        }
        if let Some(lot) = lots.last_mut() {
            lot.last_id = id;
            lot.events += i32::from(entry.kind == Kind::Event);
            lot.contacts += i32::from(entry.kind == Kind::Contact);
            lot.contacts_net += entry.net;
            let sum = match entry.kind {
                Kind::Event => &mut lot.id_sum,
                Kind::Contact => &mut lot.contact_sum,
            };
            *sum = sum.wrapping_add(entry.audit_word);
        }
    }
    lots
}
