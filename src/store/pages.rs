//! Where in the table of a day the rows of a time lie.
//!
//! The log lies nearly in the order of its times, because rows are only ever appended. So the pages of a time are found by looking
//! at a few rows of some pages, which costs far less than asking the filters over all of them.

use jiff::Timestamp;

use super::{StoreError, lease::Lease, partitions};

/// Fewer pages than these are not worth a search.
const SMALL: i64 = 4_096;

/// How exactly an end is found, in pages.
const EXACTLY: i64 = 32;

/// Pages on either side in which rows of the same time may lie: lanes write side by side, and a table grows by many pages at once.
const SLACK: i64 = 64;

/// The table of a day, as far as a search needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    /// The first instant of it.
    pub(super) from: Timestamp,
    /// The first instant after it.
    pub(super) to: Timestamp,
    /// Pages of its table.
    pub(super) pages: i64,
}

impl Day {
    /// The day of a time, and how large its table is now.
    pub(super) async fn of(lease: &mut Lease, at: Timestamp) -> Result<Option<Self>, StoreError> {
        let Some((name, from, to)) = partitions::day_around(at) else { return Ok(None) };
        let pages = lease.one(sql!("pages_of_day"), &[&name]).await?.get(0);
        Ok(Some(Self { from, to, pages }))
    }

    /// Whether a time is in it.
    pub(super) fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// The pages, from one up to and without another, that hold what was received between two times of this day, both included, as
    /// far as rows lie where they were first written. `None` where it is better to ask the index: the table is small, or there is
    /// too much between the two, or the search went astray because rows are gone or have moved.
    pub(super) async fn around(
        &self,
        lease: &mut Lease,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        if self.pages < SMALL {
            return Ok(None);
        }
        // From the newest page backwards, because most readers are there: first in strides, then by halves.
        let (mut low, mut high, mut stride) = (self.pages, self.pages, EXACTLY);
        while low > 0 && !self.is_before(lease, low, from).await? {
            (high, low, stride) = (low, (low - stride).max(0), stride * 2);
        }
        while high - low > EXACTLY {
            let middle = low.midpoint(high);
            if self.is_before(lease, middle, from).await? { low = middle } else { high = middle }
        }
        let begin = (low - SLACK).max(0);
        let most = SLACK * 8 + self.pages / 128;
        let (mut end, mut stride) = (high, EXACTLY);
        while end < self.pages && !self.is_behind(lease, end, to).await? {
            (end, stride) = ((end + stride).min(self.pages), stride * 2);
            if end - begin > most {
                return Ok(None);
            }
        }
        // What was written since the table was measured is behind it.
        let end = if end + SLACK >= self.pages { i64::from(u32::MAX) } else { end + SLACK };
        Ok(Some((begin, end)))
    }

    /// Whether a page holds something from before a time; one without rows tells nothing.
    async fn is_before(&self, lease: &mut Lease, page: i64, time: Timestamp) -> Result<bool, StoreError> {
        Ok(self.sample(lease, page).await?.is_some_and(|at| at < time))
    }

    /// Whether a page holds nothing from before a time, or at it.
    async fn is_behind(&self, lease: &mut Lease, page: i64, time: Timestamp) -> Result<bool, StoreError> {
        Ok(self.sample(lease, page).await?.is_some_and(|at| at > time))
    }

    /// When rows at the beginning of a page were received; `None` where there are none.
    ///
    /// By their places: whatever else the planner is offered, it takes the whole day for less work now and then.
    pub(super) async fn sample(&self, lease: &mut Lease, page: i64) -> Result<Option<Timestamp>, StoreError> {
        let near = (page..page + 4).flat_map(|page| (1..=4).map(move |row| format!("({page},{row})")));
        let places: Vec<String> = near.collect();
        Ok(lease.one(sql!("pages_sample"), &[&self.from, &self.to, &places]).await?.get(0))
    }
}
