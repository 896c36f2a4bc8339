//! Telling one lot to the database: claims, contacts, log, order. Everything up to the commit.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    contacts::{Fold, Person, fold},
    events::{judge, wanted},
    job::{ContactOp, Job, Work},
    receipt::Outcome,
    rows::{EncodedEvent, EventRows},
};
use crate::{
    domain::{
        claim::Digest,
        clock::Entropy,
        ids::{Inlet, random_uuid},
    },
    store::{
        StoreError,
        contacts::{self, ContactKey, ContactRow},
        lane::Statements,
        log::{self, Kind},
        lots::{self, ClaimKey, Content, LotRow},
        wire::Flight,
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
struct Entry<'j> {
    inlet: Inlet,
    place: Place,
    kind: Kind,
    audit_word: u64,
    /// Contacts made less contacts deleted.
    net: i32,
    row: Encoded<'j>,
}

enum Encoded<'j> {
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
    jobs: &[std::sync::Arc<Job>],
    setting: &Setting<'_>,
) -> Result<Told, StoreError> {
    let mut outcomes: Vec<Vec<Outcome>> =
        jobs.iter().map(|job| vec![Outcome::Unchanged; job.work.len()]).collect();
    let mut entries = Vec::new();

    for person in &settle_contacts(flight, jobs, setting).await? {
        log_changes(person, setting.now, &mut outcomes, &mut entries);
    }
    let unheard = settle_events(flight, jobs, setting, &mut outcomes, &mut entries).await?;
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

/// Claims the ids of all events and judges them; answers how many statements are unheard.
async fn settle_events<'j>(
    flight: &mut Flight<'_>,
    jobs: &'j [std::sync::Arc<Job>],
    setting: &Setting<'_>,
    outcomes: &mut [Vec<Outcome>],
    entries: &mut Vec<Entry<'j>>,
) -> Result<usize, StoreError> {
    let mut events: Vec<(Place, Inlet, &EventRows, EncodedEvent)> = Vec::new();
    for (batch, job) in jobs.iter().enumerate() {
        if let Work::Events(rows) = &job.work {
            let all = rows.events().iter().enumerate();
            events.extend(all.map(|(item, event)| ((batch, item), job.inlet, rows, *event)));
        }
    }
    if events.is_empty() {
        return Ok(0);
    }
    let claims: Vec<(ClaimKey, Content)> =
        events.iter().map(|(_, inlet, _, event)| (event.key(*inlet), event.content)).collect();
    let wanted = wanted(&claims);
    let (before, unheard) = if setting.trusting {
        lots::claim_new(flight, setting.statements, &wanted, setting.now)?;
        (HashMap::new(), 1)
    } else {
        (taken_before(flight, &wanted, setting).await?, 0)
    };
    let judged: Vec<Outcome> = if before.is_empty() && wanted.len() == claims.len() {
        vec![Outcome::Stored; claims.len()]
    } else {
        judge(&claims, &before)
    };
    entries.reserve(events.len());
    for ((place, inlet, rows, event), outcome) in events.into_iter().zip(judged) {
        outcomes[place.0][place.1] = outcome;
        if outcome == Outcome::Stored {
            entries.push(Entry {
                inlet,
                place,
                kind: Kind::Event,
                audit_word: event.audit_word,
                net: 0,
                row: Encoded::Event(rows, place.1),
            });
        }
    }
    Ok(unheard)
}

/// Notes what came of the operations on a contact, and what the log has to hold of it.
fn log_changes(
    person: &Settled<'_>,
    now: Timestamp,
    outcomes: &mut [Vec<Outcome>],
    entries: &mut Vec<Entry<'_>>,
) {
    let mut net = person.fold.net;
    for (place, step) in person.places.iter().zip(&person.fold.steps) {
        outcomes[place.0][place.1] = step.outcome;
        let Some(entry) = &step.entry else { continue };
        let mut row = Vec::new();
        let change = log::Entry {
            occurred_at: now,
            kind: Kind::Contact,
            event_type: entry.event_type,
            user_id: &person.key.user_id,
            event_id: None,
            parameters: &entry.changes,
        };
        log::encode(&change, &mut row);
        entries.push(Entry {
            inlet: Inlet { project: person.project, datasource: person.key.datasource },
            place: *place,
            kind: Kind::Contact,
            audit_word: Digest::of(&person.key.user_id).audit_word(),
            net: std::mem::take(&mut net),
            row: Encoded::Change(row),
        });
    }
}

/// Claims ids and answers what stands behind those that others had claimed.
async fn taken_before(
    flight: &mut Flight<'_>,
    wanted: &[(ClaimKey, Content)],
    setting: &Setting<'_>,
) -> Result<HashMap<ClaimKey, Content>, StoreError> {
    let won = lots::claim(flight, setting.statements, wanted, setting.now).await?;
    if won.len() == wanted.len() {
        return Ok(HashMap::new());
    }
    let won: HashSet<ClaimKey> = won.into_iter().collect();
    let lost: Vec<ClaimKey> = wanted.iter().map(|(key, _)| *key).filter(|key| !won.contains(key)).collect();
    let taken: HashMap<ClaimKey, Content> =
        lots::read_claims(flight, setting.statements, &lost).await?.into_iter().collect();
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
    flight: &mut Flight<'_>,
    jobs: &'j [std::sync::Arc<Job>],
    setting: &Setting<'_>,
) -> Result<Vec<Settled<'j>>, StoreError> {
    let mut people = first_folds(flight, jobs, setting).await?;
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
        contacts::insert(flight, setting.statements, &fresh, setting.now).await?.into_iter().collect()
    };
    let rest: Vec<usize> = (0..people.len())
        .filter(|at| people[*at].fold.changes_anything() && !made.contains(&people[*at].key))
        .collect();
    if !rest.is_empty() {
        change_locked(flight, &mut people, &rest, setting).await?;
    }
    Ok(people)
}

async fn first_folds<'j>(
    flight: &mut Flight<'_>,
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
    for found in contacts::read(flight, setting.statements, &keys).await? {
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
    flight: &mut Flight<'_>,
    people: &mut [Settled<'_>],
    which: &[usize],
    setting: &Setting<'_>,
) -> Result<(), StoreError> {
    let keys: Vec<&ContactKey> = which.iter().map(|at| &people[*at].key).collect();
    let mut locked = HashMap::new();
    for found in contacts::lock(flight, setting.statements, &keys).await? {
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
        contacts::update(flight, setting.statements, &updates, setting.now).await?;
    }
    if !gone.is_empty() {
        contacts::delete(flight, setting.statements, &gone.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
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

/// Outcomes that a dry run foretells, from what is stored now.
pub(super) fn foretell_events(
    inlet: Inlet,
    events: &EventRows,
    before: &HashMap<ClaimKey, Content>,
) -> Vec<Outcome> {
    let claims: Vec<_> = events.events().iter().map(|event| (event.key(inlet), event.content)).collect();
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
