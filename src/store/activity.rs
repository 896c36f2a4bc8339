//! Events that happened to nobody, as the doors list them: newest first by when they were received, by pages with a number.
//!
//! They are found as those of a contact are, whose `_user_id` is empty. What a list says of pages and totals takes looking at every
//! row before, so it looks at so many of the newest and no more, and says whether that was all.

use deadpool_postgres::Pool;
use jiff::Timestamp;

use super::{
    StoreError,
    timeline::{self, LONGEST, TimelineRow},
};
use crate::domain::ids::Inlet;

/// The most events that a list looks at.
pub const LOOKED_AT: usize = 20 * LONGEST;

/// Nobody's `_user_id`.
const NOBODY: &str = "";

/// What of the events is asked for.
pub struct Wanted<'a> {
    /// Where they came in.
    pub inlet: Inlet,
    /// Nothing that was received before this is looked at; everything without.
    pub since: Option<Timestamp>,
    /// Whether one is wanted.
    pub takes: &'a (dyn Fn(&TimelineRow) -> bool + Sync),
    /// How many wanted ones are passed over.
    pub offset: i64,
    /// How many at the most.
    pub limit: i64,
}

impl std::fmt::Debug for Wanted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted").field("inlet", &self.inlet).finish_non_exhaustive()
    }
}

/// A page of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The events, newest first.
    pub rows: Vec<TimelineRow>,
    /// How many wanted ones were seen.
    pub total: i64,
    /// Whether that is all there are; else at least so many are there, among older ones that were not looked at.
    pub whole: bool,
}

/// Lists events, looking at no more than [`LOOKED_AT`].
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(pool: &Pool, wanted: &Wanted<'_>) -> Result<Listed, StoreError> {
    let Inlet { project, datasource } = wanted.inlet;
    let (mut listed, mut after) = (Listed::default(), None);
    for _ in 0..LOOKED_AT / LONGEST {
        let rows = timeline::page(pool, project, datasource, NOBODY, after, LONGEST).await?;
        after = rows.last().map(|row| row.cursor);
        let last = rows.len() < LONGEST;
        listed.whole = !listed.take(rows, wanted) || last;
        if listed.whole {
            break;
        }
    }
    Ok(listed)
}

impl Listed {
    /// Takes what is wanted of some rows; `false` when they reach back to where nothing is wanted any more.
    fn take(&mut self, rows: Vec<TimelineRow>, wanted: &Wanted<'_>) -> bool {
        for row in rows {
            if wanted.since.is_some_and(|since| row.received_at < since) {
                return false;
            }
            if !(wanted.takes)(&row) {
                continue;
            }
            if (wanted.offset..wanted.offset.saturating_add(wanted.limit)).contains(&self.total) {
                self.rows.push(row);
            }
            self.total += 1;
        }
        true
    }
}
