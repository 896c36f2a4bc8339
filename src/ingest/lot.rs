//! Writing one lot inside one transaction: claims, contacts, log, order. Everything up to the commit.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    contacts::{Fold, Person, fold},
    events::{claim_of, judge, wanted},
    job::{ContactOp, Job, Work},
    receipt::Outcome,
};
use crate::{
    domain::{claim::audit_word, clock::Entropy, event::EventDraft, ids::random_uuid},
    store::{
        StoreError,
        contacts::{self, ContactKey, ContactRow},
        lane::Statements,
        lots::{self, ClaimKey, Content, Kind, LogRow, LotRow},
        tx::{Trace, Tx},
    },
};

/// Where an item stands: which batch of the lot, which item of the batch.
type Place = (usize, usize);

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
}

/// A lot that is written but not committed.
#[derive(Debug)]
pub(super) struct Written {
    /// Outcomes per batch.
    pub(super) outcomes: Vec<Vec<Outcome>>,
    /// What the transaction left to be recognised by; `None` where nothing had to be written.
    pub(super) trace: Option<Trace>,
    /// Position of the lot in the stream.
    pub(super) position: i64,
    /// Last id per datasource.
    pub(super) last_ids: HashMap<i64, i64>,
}

/// Writes what the batches ask for. The caller commits.
///
/// # Errors
/// As [`Tx::query`]; the transaction is of no further use then.
pub(super) async fn write(
    tx: &Tx<'_>,
    jobs: &[std::sync::Arc<Job>],
    setting: &Setting<'_>,
) -> Result<Written, StoreError> {
    let mut outcomes: Vec<Vec<Outcome>> =
        jobs.iter().map(|job| vec![Outcome::Unchanged; job.work.len()]).collect();
    let mut rows: BTreeMap<(i64, Place), (LogRow<'_>, i32)> = BTreeMap::new();

    for (place, job, event, outcome) in settle_events(tx, jobs, setting).await? {
        outcomes[place.0][place.1] = outcome;
        if outcome == Outcome::Stored {
            rows.insert((job.inlet.datasource, place), (event_row(job, event), 0));
        }
    }
    let people = settle_contacts(tx, jobs, setting).await?;
    for person in &people {
        let mut net = person.fold.net;
        for (place, step) in person.places.iter().zip(&person.fold.steps) {
            outcomes[place.0][place.1] = step.outcome;
            if let Some(entry) = &step.entry {
                let row = LogRow {
                    project: person.project,
                    datasource: person.key.datasource,
                    occurred_at: setting.now,
                    kind: Kind::Contact,
                    event_type: entry.event_type,
                    user_id: &person.key.user_id,
                    event_id: None,
                    parameters: Cow::Borrowed(&entry.changes),
                };
                rows.insert((person.key.datasource, *place), (row, std::mem::take(&mut net)));
            }
        }
    }
    append(tx, outcomes, rows.into_values().collect(), setting).await
}

fn event_row<'a>(job: &Job, event: &'a EventDraft) -> LogRow<'a> {
    LogRow {
        project: job.inlet.project,
        datasource: job.inlet.datasource,
        occurred_at: event.occurred_at,
        kind: Kind::Event,
        event_type: &event.event_type,
        user_id: &event.user_id,
        event_id: Some(&event.event_id),
        parameters: Cow::Borrowed(&event.parameters),
    }
}

/// Claims the ids of all events and judges them.
async fn settle_events<'j>(
    tx: &Tx<'_>,
    jobs: &'j [std::sync::Arc<Job>],
    setting: &Setting<'_>,
) -> Result<Vec<(Place, &'j Job, &'j EventDraft, Outcome)>, StoreError> {
    let mut events = Vec::new();
    for (batch, job) in jobs.iter().enumerate() {
        if let Work::Events(drafts) = &job.work {
            events
                .extend(drafts.iter().enumerate().map(|(item, draft)| ((batch, item), job.as_ref(), draft)));
        }
    }
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let claims: Vec<(ClaimKey, Content)> =
        events.iter().map(|(_, job, event)| claim_of(job.inlet.datasource, event)).collect();
    let outcomes = judge(&claims, &taken_before(tx, &wanted(&claims), setting).await?);
    Ok(events
        .into_iter()
        .zip(outcomes)
        .map(|((place, job, event), outcome)| (place, job, event, outcome))
        .collect())
}

/// Claims ids and answers what stands behind those that others had claimed.
async fn taken_before(
    tx: &Tx<'_>,
    wanted: &[(ClaimKey, Content)],
    setting: &Setting<'_>,
) -> Result<HashMap<ClaimKey, Content>, StoreError> {
    let won = lots::claim(tx, setting.statements, wanted, setting.now).await?;
    if won.len() == wanted.len() {
        return Ok(HashMap::new());
    }
    let won: HashSet<ClaimKey> = won.into_iter().collect();
    let lost: Vec<ClaimKey> = wanted.iter().map(|(key, _)| *key).filter(|key| !won.contains(key)).collect();
    let taken: HashMap<ClaimKey, Content> =
        lots::read_claims(tx, setting.statements, &lost).await?.into_iter().collect();
    if taken.len() < lost.len() {
        return Err(StoreError::Moved("a claim was released while it was being read"));
    }
    Ok(taken)
}

/// One contact of the lot: who, what is to be done, and what came of it.
struct Settled<'j> {
    key: ContactKey,
    project: i64,
    places: Vec<Place>,
    operations: Vec<&'j ContactOp>,
    existed: bool,
    fold: Fold,
}

/// Applies every operation on contacts: read without a lock, leave the unchanged alone, insert, lock, merge again, update.
async fn settle_contacts<'j>(
    tx: &Tx<'_>,
    jobs: &'j [std::sync::Arc<Job>],
    setting: &Setting<'_>,
) -> Result<Vec<Settled<'j>>, StoreError> {
    let mut people = first_folds(tx, jobs, setting).await?;
    for person in people.iter_mut().filter(|person| person.vanished()) {
        person.fold.forget();
    }
    let fresh: Vec<ContactRow> = people
        .iter()
        .filter(|person| !person.existed && person.fold.changes_anything())
        .filter_map(Settled::row)
        .collect();
    let made: HashSet<ContactKey> = if fresh.is_empty() {
        HashSet::new()
    } else {
        contacts::insert(tx, setting.statements, &fresh, setting.now).await?.into_iter().collect()
    };
    let rest: Vec<usize> = (0..people.len())
        .filter(|at| people[*at].fold.changes_anything() && !made.contains(&people[*at].key))
        .collect();
    if !rest.is_empty() {
        change_locked(tx, &mut people, &rest, setting).await?;
    }
    Ok(people)
}

async fn first_folds<'j>(
    tx: &Tx<'_>,
    jobs: &'j [std::sync::Arc<Job>],
    setting: &Setting<'_>,
) -> Result<Vec<Settled<'j>>, StoreError> {
    // Sorted by key, because two lanes that meet the same contacts must meet them in the same order.
    let mut wishes: BTreeMap<ContactKey, (i64, Vec<Place>, Vec<&ContactOp>)> = BTreeMap::new();
    for (batch, job) in jobs.iter().enumerate() {
        let Work::Contacts(operations) = &job.work else { continue };
        for (item, operation) in operations.iter().enumerate() {
            let key =
                ContactKey { datasource: job.inlet.datasource, user_id: operation.user_id().to_owned() };
            let wish = wishes.entry(key).or_insert((job.inlet.project, Vec::new(), Vec::new()));
            wish.1.push((batch, item));
            wish.2.push(operation);
        }
    }
    if wishes.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<&ContactKey> = wishes.keys().collect();
    let mut stored = HashMap::new();
    for found in contacts::read(tx, setting.statements, &keys).await? {
        stored.insert(found.key.clone(), Person::read(&found)?);
    }
    wishes
        .into_iter()
        .map(|(key, (project, places, operations))| {
            let before = stored.remove(&key);
            let existed = before.is_some();
            let fold = fold(before, &operations, random_uuid(setting.entropy)?, setting.contact_bytes);
            Ok(Settled { key, project, places, operations, existed, fold })
        })
        .collect()
}

impl Settled<'_> {
    /// Whether the contact came and went within this lot, so that nobody else can ever have met it.
    fn vanished(&self) -> bool {
        !self.existed && self.fold.after.is_none()
    }

    /// The row to write, where the contact is there afterwards.
    fn row(&self) -> Option<ContactRow> {
        let person = self.fold.after.as_ref()?;
        Some(ContactRow {
            key: self.key.clone(),
            project: self.project,
            contact_id: person.contact_id,
            attributes: person.contact.to_json(),
            email: person.contact.email(),
            phone: person.contact.phone(),
        })
    }
}

/// Locks contacts that exist by now, folds again over how they really stand, and writes the result.
async fn change_locked(
    tx: &Tx<'_>,
    people: &mut [Settled<'_>],
    which: &[usize],
    setting: &Setting<'_>,
) -> Result<(), StoreError> {
    let keys: Vec<&ContactKey> = which.iter().map(|at| &people[*at].key).collect();
    let mut locked = HashMap::new();
    for found in contacts::lock(tx, setting.statements, &keys).await? {
        locked.insert(found.key.clone(), Person::read(&found)?);
    }
    let mut updates = Vec::new();
    let mut gone = Vec::new();
    for at in which {
        let person = &mut people[*at];
        let Some(before) = locked.remove(&person.key) else {
            return Err(StoreError::Moved("a contact was deleted between being read and being locked"));
        };
        person.fold =
            fold(Some(before), &person.operations, random_uuid(setting.entropy)?, setting.contact_bytes);
        match person.row() {
            Some(row) if person.fold.changes_anything() => updates.push(row),
            Some(_) => {}
            None => gone.push(person.key.clone()),
        }
    }
    if !updates.is_empty() {
        contacts::update(tx, setting.statements, &updates, setting.now).await?;
    }
    if !gone.is_empty() {
        contacts::delete(tx, setting.statements, &gone.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Writes the rows of the log and the lots that order them, in one round trip with the transaction's own id.
async fn append(
    tx: &Tx<'_>,
    outcomes: Vec<Vec<Outcome>>,
    rows: Vec<(LogRow<'_>, i32)>,
    setting: &Setting<'_>,
) -> Result<Written, StoreError> {
    let statements = setting.statements;
    if rows.is_empty() {
        let position = lots::newest_visible(tx, statements).await?;
        return Ok(Written { outcomes, trace: None, position, last_ids: HashMap::new() });
    }
    let order = order(&rows, setting.first_id);
    let last_ids = order.iter().map(|lot| (lot.datasource, lot.last_id)).collect();
    let rows: Vec<LogRow<'_>> = rows.into_iter().map(|(row, _)| row).collect();
    let (xid, appended, ordered) = tokio::join!(
        lots::xid(tx, statements),
        lots::append(tx, statements, setting.first_id, &rows, setting.now),
        lots::order(tx, statements, setting.epoch, &order, setting.now),
    );
    // In the order in which they were sent: what follows a failure fails only because of it, and would hide the cause.
    let (xid, (), ()) = (xid?, appended?, ordered?);
    let trace = order.first().map(|lot| Trace {
        xid,
        epoch: setting.epoch,
        project: lot.project,
        first_id: lot.first_id,
    });
    Ok(Written { outcomes, trace, position: xid, last_ids })
}

/// One lot per datasource over rows that are grouped by it.
fn order(rows: &[(LogRow<'_>, i32)], first_id: i64) -> Vec<LotRow> {
    let mut lots: Vec<LotRow> = Vec::new();
    for (id, (row, net)) in (first_id..).zip(rows) {
        if lots.last().is_none_or(|lot| lot.datasource != row.datasource) {
            lots.push(LotRow {
                project: row.project,
                datasource: row.datasource,
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
            lot.events += i32::from(row.kind == Kind::Event);
            lot.contacts += i32::from(row.kind == Kind::Contact);
            lot.contacts_net += net;
            match row.kind {
                Kind::Event => lot.id_sum = lot.id_sum.wrapping_add(row.event_id.map_or(0, audit_word)),
                Kind::Contact => lot.contact_sum = lot.contact_sum.wrapping_add(audit_word(row.user_id)),
            }
        }
    }
    lots
}

/// Outcomes that a dry run foretells, from what is stored now.
pub(super) fn foretell_events(
    datasource: i64,
    events: &[EventDraft],
    before: &HashMap<ClaimKey, Content>,
) -> Vec<Outcome> {
    let claims: Vec<_> = events.iter().map(|event| claim_of(datasource, event)).collect();
    judge(&claims, before)
}

/// As [`foretell_events`], for contacts.
pub(super) fn foretell_contacts(
    operations: &[ContactOp],
    before: &mut HashMap<String, Person>,
    contact_bytes: usize,
) -> Vec<Outcome> {
    operations
        .iter()
        .map(|operation| {
            let known = before.remove(operation.user_id());
            let mut fold = fold(known, &[operation], Uuid::nil(), contact_bytes);
            if let Some(person) = fold.after.take() {
                before.insert(operation.user_id().to_owned(), person);
            }
            fold.steps.first().map_or(Outcome::Unchanged, |step| step.outcome)
        })
        .collect()
}
