//! The contacts of a lot: reads, merges and writes them, and says what the log has to hold of it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    contacts::{Fold, Person, fold},
    job::{ContactOp, Job, Work},
    lot::{Encoded, Entry, Place, Setting},
    receipt::Outcome,
};
use crate::{
    domain::{
        claim::Digest,
        ids::{Inlet, random_uuid},
    },
    store::{
        StoreError,
        contacts::{self, ContactKey, ContactRow},
        log::{self, Kind},
        wire::Flight,
    },
};

/// One contact of the lot: who, what is to be done, and what came of it.
pub(super) struct Settled<'j> {
    key: ContactKey,
    project: i64,
    places: Vec<Place>,
    operations: Vec<&'j ContactOp>,
    existed: bool,
    fold: Fold,
}

/// Applies every operation on contacts: read without a lock, leave the unchanged alone, insert, lock, merge again, update.
///
/// # Errors
/// As [`Flight::rows`].
pub(super) async fn settle<'j>(
    flight: &mut Flight<'_>,
    jobs: &'j [Arc<Job>],
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
    jobs: &'j [Arc<Job>],
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

/// Notes what came of the operations on a contact, and what the log has to hold of it.
pub(super) fn log_changes(
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
