//! Conversations with support: the events of the catalogue's conversation types, grouped by their `conversation_id`.
//!
//! Two indexes of the log hold the entries of these types and of no other. Days are looked through in stretches, because a
//! statement locks every day it may touch. Deleted datasources do not count. See
//! `docs/decisions/0028-find-conversations-by-partial-indexes.md`.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::{
    StoreError,
    contacts::{ContactKey, ContactRecord},
    lease::Lease,
    partitions::Partition,
    people::Known,
};

/// The most closings of one span.
pub const CLOSINGS: usize = 50_000;

/// The most events of one conversation that are looked at: the last ones.
pub const LONGEST: usize = 5_000;

/// Days that one statement looks through.
const DAYS_AT_ONCE: usize = 32;

/// How far a sender's clock may be ahead: what happened at a time was received no earlier than so long before.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What an event is to its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It began, or began again.
    Opened,
    /// Somebody wrote.
    Message,
    /// It ended.
    Closed,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 3] = [Self::Opened, Self::Message, Self::Closed];

    /// The event type. The indexes of the log have these too.
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Opened => "conversation_opened",
            Self::Message => "conversation_message",
            Self::Closed => "conversation_closed",
        }
    }
}

/// What is known of an event without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Row.
    pub id: i64,
    /// The server's clock when it was stored.
    pub received_at: Timestamp,
    /// When it happened, by the sender's word.
    pub occurred_at: Timestamp,
    /// What it is to its conversation.
    pub step: Step,
    /// Whose it is; nobody's with an empty `user_id`.
    pub of: ContactKey,
}

/// An event that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The sender's id of the event.
    pub event_id: String,
    /// Its parameters, a JSON object.
    pub parameters: String,
}

/// Conversations of a project that have a closing that happened from `from` on and before `to`, in the order in which the first of
/// these was received: what comes later, for whatever time, is behind everything that was there. `None` where there are more than
/// [`CLOSINGS`].
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn closed(
    pool: &Pool,
    project: i64,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Vec<String>>, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let most = i64::try_from(CLOSINGS + 1).unwrap_or(i64::MAX);
    let since = from.saturating_sub(AHEAD).unwrap_or(from);
    let mut first: HashMap<String, (Timestamp, i64)> = HashMap::new();
    for (begin, end) in stretches(&mut lease).await?.into_iter().filter(|(_, end)| *end > since) {
        let found =
            lease.query(sql!("conversations_closed"), &[&project, &from, &to, &begin, &end, &most]).await?;
        // Stretches come newest first, so what comes now is older.
        first.extend(found.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))));
        let looked_at = found.first().map_or(0, |row| row.get::<_, i64>(3));
        if looked_at >= most || first.len() > CLOSINGS {
            return Ok(None);
        }
    }
    let mut ids: Vec<_> = first.into_iter().collect();
    ids.sort_unstable_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
    Ok(Some(ids.into_iter().map(|(id, _)| id).collect()))
}

/// What is known of the last [`LONGEST`] events of each of some conversations, in the order in which they happened.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn marks(
    pool: &Pool,
    project: i64,
    conversations: &[String],
) -> Result<Vec<Vec<Mark>>, StoreError> {
    let mut found: Vec<Vec<Mark>> = vec![Vec::new(); conversations.len()];
    if conversations.is_empty() {
        return Ok(found);
    }
    let mut lease = Lease::of(pool).await?;
    let most = i64::try_from(LONGEST).unwrap_or(i64::MAX);
    for (begin, end) in stretches(&mut lease).await? {
        let rows = lease
            .query(sql!("conversations_marks"), &[&project, &conversations, &begin, &end, &most])
            .await?;
        for row in &rows {
            // Counted from 1 by the statement.
            let at = usize::try_from(row.get::<_, i32>(0)).unwrap_or(0).checked_sub(1);
            if let (Some(marks), Some(mark)) = (at.and_then(|at| found.get_mut(at)), mark(row)) {
                marks.push(mark);
            }
        }
    }
    for marks in &mut found {
        marks.sort_unstable_by_key(|mark| (mark.occurred_at, mark.received_at, mark.id));
        marks.drain(..marks.len().saturating_sub(LONGEST));
    }
    Ok(found)
}

fn mark(row: &Row) -> Option<Mark> {
    let event_type: &str = row.get(4);
    Some(Mark {
        id: row.get(1),
        received_at: row.get(2),
        occurred_at: row.get(3),
        step: Step::ALL.into_iter().find(|step| step.event_type() == event_type)?,
        of: ContactKey { datasource: row.get(5), user_id: row.get(6) },
    })
}

/// Reads some events of some conversations, by their rows.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn events(
    pool: &Pool,
    project: i64,
    conversations: &[String],
    marks: &[&Mark],
) -> Result<HashMap<i64, Told>, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let mut days: BTreeMap<i64, Vec<&Mark>> = BTreeMap::new();
    let stretch = 86_400 * i64::try_from(DAYS_AT_ONCE).unwrap_or(1);
    for mark in marks {
        days.entry(mark.received_at.as_second().div_euclid(stretch)).or_default().push(mark);
    }
    let mut told = HashMap::new();
    for marks in days.values() {
        let ids: Vec<i64> = marks.iter().map(|mark| mark.id).collect();
        let from = marks.iter().map(|mark| mark.received_at).min();
        let to = marks.iter().map(|mark| mark.received_at).max();
        let rows =
            lease.query(sql!("conversations_events"), &[&project, &conversations, &from, &to, &ids]).await?;
        told.extend(
            rows.iter().map(|row| (row.get(0), Told { event_id: row.get(1), parameters: row.get(2) })),
        );
    }
    Ok(told)
}

/// The contacts that are there of some.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn people(pool: &Pool, keys: &[ContactKey]) -> Result<Vec<Known>, StoreError> {
    let datasources: Vec<i64> = keys.iter().map(|key| key.datasource).collect();
    let users: Vec<&str> = keys.iter().map(|key| key.user_id.as_str()).collect();
    let rows = Lease::of(pool).await?.query(sql!("conversations_people"), &[&datasources, &users]).await?;
    let known = |row: &Row| Known {
        key: ContactKey { datasource: row.get(0), user_id: row.get(1) },
        record: ContactRecord {
            contact_id: row.get(2),
            attributes: row.get(3),
            created_at: row.get(4),
            updated_at: row.get(5),
        },
    };
    Ok(rows.iter().map(known).collect())
}

/// The days of the log that hold anything, in stretches, newest first: from an instant on and before another one.
async fn stretches(lease: &mut Lease) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
    let rows = lease.query(sql!("partition_state"), &[]).await?;
    let days: Vec<Partition> = rows.iter().filter_map(Partition::of).filter(|day| day.pages > 0).collect();
    let bounds = |days: &[Partition]| Some((days.last()?.from, days.first()?.to));
    Ok(days.chunks(DAYS_AT_ONCE).filter_map(bounds).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::Catalogue;

    #[test]
    fn the_steps_are_the_types_with_a_conversation() {
        let catalogue = Catalogue::builtin();
        let of_conversations: Vec<&str> = catalogue
            .events()
            .iter()
            .filter(|spec| spec.parameter("conversation_id").is_some())
            .map(|spec| spec.uid.as_str())
            .collect();
        let mut steps = Step::ALL.map(Step::event_type);
        steps.sort_unstable_by_key(|step| of_conversations.iter().position(|one| one == step));
        assert_eq!(of_conversations, steps);
        let schema = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/V1__initial.sql"));
        let listed = Step::ALL.map(|step| format!("'{}'", step.event_type())).join(", ");
        assert!(schema.contains(&format!("where type in ({listed})")), "{listed}");
        assert!(schema.contains("where type = 'conversation_closed'"));
    }
}
