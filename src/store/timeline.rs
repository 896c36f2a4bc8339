//! The events of one contact, newest first by when they were received.
//!
//! The log has no index of its rows by contact but a closed day's. On the days that are still written, Bloom filters tell which
//! ranges of pages may hold the contact, and stretches are read from the newest pages on until the page is full; how long the first
//! of them should be is judged by the newest pages. See `docs/decisions/0015-find-a-contacts-events-by-bloom.md`.

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::{StoreError, lease::Lease, pages::Day, partitions::Partition};
use crate::domain::cursor::Cursor;

/// The most rows of one page.
pub const LONGEST: usize = 1_000;

/// Pages of a day without an index that are read through to see how often the contact comes.
const JUDGED: i64 = 512;

/// How exactly the place of a cursor inside such a day is found, in pages.
const EXACTLY: i64 = 256;

/// Closed days that one statement looks through; planning takes time for each.
const DAYS_AT_ONCE: usize = 32;

/// Numbers below this are transaction ids and no times.
const FIRST_TIME: u64 = 1_000_000_000_000_000;

/// An event of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineRow {
    /// Where it stands; the next page begins behind the last row's.
    pub cursor: Cursor,
    /// The event type.
    pub event_type: String,
    /// The sender's id of the event.
    pub event_id: String,
    /// When it happened, by the sender's word.
    pub occurred_at: Timestamp,
    /// The server's clock when it was stored.
    pub received_at: Timestamp,
    /// Its parameters, a JSON object.
    pub parameters: String,
}

/// Whether a cursor was made here: its `tx` is a time, in microseconds since 1970, where the stream's is a transaction id.
pub fn is_place(cursor: &Cursor) -> bool {
    cursor.tx >= FIRST_TIME
}

/// Reads a page of a contact's events, newest first by `(received_at, id)`, both of which never change: every row that was
/// committed when the first page was read comes on exactly one page. Whatever is committed later with an older time than a page
/// that was read already is seen by reading from the start again.
///
/// `limit` is held to 1 … [`LONGEST`]. Behind a cursor of the stream there is nothing; see [`is_place`].
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn page(
    pool: &Pool,
    project: i64,
    datasource: i64,
    user_id: &str,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Vec<TimelineRow>, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let epoch: i32 = lease.one(sql!("epoch_newest"), &[]).await?.get(0);
    let days = lease.query(sql!("partition_state"), &[]).await?;
    let days: Vec<Partition> = days.iter().filter_map(Partition::of).collect();
    let Some(edge) = after.map_or_else(|| days.first().map(Edge::behind), |cursor| Edge::of(&cursor)) else {
        return Ok(Vec::new());
    };
    let wanted = limit.clamp(1, LONGEST);
    let epoch = u32::try_from(epoch).unwrap_or(0);
    let mut walk = Walk { lease, project, datasource, user_id, epoch, edge, wanted, rows: Vec::new() };
    let mut days = days.as_slice();
    while let (Some(day), false) = (days.first(), walk.is_full()) {
        let closed = days.iter().take(DAYS_AT_ONCE).take_while(|day| day.indexed).count();
        if closed > 0 {
            walk.through_closed(day, &days[closed - 1]).await?;
        } else if day.pages > 0 {
            walk.through_open(day).await?;
        }
        days = &days[closed.max(1)..];
    }
    Ok(walk.rows)
}

/// Rows older than this are still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    at: Timestamp,
    id: i64,
}

impl Edge {
    /// Everything a day may hold.
    fn behind(day: &Partition) -> Self {
        Self::before(day.to)
    }

    /// Everything received before a time.
    fn before(time: Timestamp) -> Self {
        Self { at: time.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(time), id: i64::MAX }
    }

    fn of(cursor: &Cursor) -> Option<Self> {
        let at = i64::try_from(cursor.tx).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok())?;
        is_place(cursor).then_some(Self { at, id: i64::try_from(cursor.id).ok()? })
    }
}

/// A walk from the newest to the oldest.
struct Walk<'a> {
    lease: Lease,
    project: i64,
    datasource: i64,
    user_id: &'a str,
    epoch: u32,
    edge: Edge,
    wanted: usize,
    rows: Vec<TimelineRow>,
}

impl Walk<'_> {
    fn is_full(&self) -> bool {
        self.rows.len() >= self.wanted
    }

    /// Days with an index, the newest and the oldest of them given.
    async fn through_closed(&mut self, newest: &Partition, oldest: &Partition) -> Result<(), StoreError> {
        self.edge = self.edge.min(Edge::behind(newest));
        self.fetch(oldest.from).await?;
        Ok(())
    }

    /// A day without one, in stretches: a contact with many events fills the page from a short one, and one that the newest pages
    /// do not know is looked for in the whole rest at once. Each stretch costs a look at all filters of the day.
    async fn through_open(&mut self, day: &Partition) -> Result<(), StoreError> {
        self.edge = self.edge.min(Edge::behind(day));
        if self.edge.at < day.from {
            return Ok(());
        }
        let mut bottom = self.page_of(day, self.edge.at).await?;
        let mut stretch = self.judge(day, bottom).await?;
        loop {
            bottom = bottom.saturating_sub(stretch);
            let sampled = if bottom > 0 { self.sample(day, bottom).await? } else { None };
            // Rows that an erasure moved make samples jump; a stretch that would be empty becomes the rest.
            let from = sampled.filter(|at| *at <= self.edge.at).unwrap_or(day.from);
            let found = self.fetch(from).await?;
            if self.is_full() || from == day.from {
                return Ok(());
            }
            self.edge = Edge::before(from);
            stretch = next_stretch(stretch, found, self.wanted - self.rows.len());
        }
    }

    /// Pages of the first stretch below a page.
    async fn judge(&mut self, day: &Partition, top: i64) -> Result<i64, StoreError> {
        let bottom = top - JUDGED;
        if bottom <= 0 {
            return Ok(i64::MAX);
        }
        // By name and places alone: offered the time as well, the planner would go by the filters. The name comes from the
        // calendar.
        let sql = format!(
            "select count(*) from {} where ctid >= '({bottom},0)' and ctid < '({top},0)'
                and user_id = $1 and datasource_id = $2 and kind = 'e'",
            day.name
        );
        let found: i64 = match self.lease.one_of_text(&sql, &[&self.user_id, &self.datasource]).await {
            Ok(row) => row.get(0),
            // The day was dropped since the list of days was read.
            Err(error) if error.is_missing_table() => return Ok(i64::MAX),
            Err(error) => return Err(error),
        };
        Ok(next_stretch(JUDGED, usize::try_from(found).unwrap_or(0), self.wanted - self.rows.len()))
    }

    /// The page behind which everything was received after `at`, or nearly so.
    async fn page_of(&mut self, day: &Partition, at: Timestamp) -> Result<i64, StoreError> {
        let (mut low, mut high) = (0, day.pages);
        if Edge::behind(day).at <= at {
            return Ok(high);
        }
        while high - low > EXACTLY {
            let middle = low.midpoint(high);
            match self.sample(day, middle).await? {
                Some(there) if there <= at => low = middle,
                _ => high = middle,
            }
        }
        Ok(high)
    }

    async fn sample(&mut self, day: &Partition, page: i64) -> Result<Option<Timestamp>, StoreError> {
        Day { from: day.from, to: day.to, pages: day.pages }.sample(&mut self.lease, page).await
    }

    /// Reads what is still wanted between `from` and the edge; answers how many rows came.
    async fn fetch(&mut self, from: Timestamp) -> Result<usize, StoreError> {
        let missing = i64::try_from(self.wanted - self.rows.len()).unwrap_or(0);
        let (edge, epoch) = (self.edge, self.epoch);
        let found = self
            .lease
            .query(
                sql!("timeline_page"),
                &[&self.project, &self.datasource, &self.user_id, &from, &edge.at, &edge.id, &missing],
            )
            .await?;
        self.rows.extend(found.iter().map(|row| item(row, epoch)));
        Ok(found.len())
    }
}

/// Pages of the next stretch: about as many as hold what is missing, judged by the stretch before; the rest of the day where that
/// one held nothing.
fn next_stretch(stretch: i64, found: usize, missing: usize) -> i64 {
    let (Ok(found), Ok(missing)) = (i64::try_from(found), i64::try_from(missing)) else { return i64::MAX };
    let wanted = stretch.saturating_mul(missing).saturating_mul(3).checked_div(found * 2);
    wanted.map_or(i64::MAX, |wanted| wanted.max(stretch))
}

fn item(row: &Row, epoch: u32) -> TimelineRow {
    let (id, received_at): (i64, Timestamp) = (row.get(0), row.get(1));
    TimelineRow {
        cursor: Cursor {
            epoch,
            tx: u64::try_from(received_at.as_microsecond()).unwrap_or(0),
            id: id.cast_unsigned(),
        },
        received_at,
        occurred_at: row.get(2),
        event_type: row.get(3),
        event_id: row.get(4),
        parameters: row.get(5),
    }
}

#[cfg(test)]
mod tests {
    use super::next_stretch;

    #[test]
    fn stretches_follow_what_was_found() {
        assert_eq!(next_stretch(1_000, 10, 90), 13_500);
        assert_eq!(next_stretch(1_000, 90, 10), 1_000, "never smaller");
        assert_eq!(next_stretch(1_000, 0, 100), i64::MAX, "nothing so far: all the rest");
    }
}
