//! Out again: the items of a project in the one order that never changes, a page at a time.
//!
//! Lots are the order. Only settled ones are read: those of earlier epochs, and in the current one those below the oldest open
//! transaction, so that nothing can appear later among what was read. Their rows are found in the log by the time of the lot and
//! their ids.

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{Row, types::ToSql};

use super::{StoreError, lease::Lease, log::Kind, pages::Day, retention};
use crate::domain::{cursor::Cursor, pattern::Patterns};

/// The most items of one page.
pub const LONGEST: usize = 1_000;

/// Lots that one statement answers.
const LOTS: usize = 1_000;

/// Rows that one statement looks through for the wanted types.
const ROWS: usize = 5_000;

/// Rows that one page looks through at the most: a reader of a rare type gets an empty page now and then, and goes on.
const SCANNED: usize = 50_000;

/// Lots that one page looks through at the most.
const PASSED: usize = 20_000;

/// Lots of one statement lie no further apart in time, or it would read what lies between.
const APART: SignedDuration = SignedDuration::from_millis(500);

/// Statements that one page makes for rows at the most.
const STATEMENTS: usize = 32;

/// What one item of the stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands.
    pub cursor: Cursor,
    /// Event or change of a contact.
    pub kind: Kind,
    /// The event type, or `contact.created` and its like.
    pub event_type: String,
    /// Public name of the datasource that it came in by.
    pub datasource: String,
    /// The sender's id of the contact.
    pub user_id: String,
    /// The sender's id of the event; a change of a contact has none.
    pub event_id: Option<String>,
    /// When it happened, by the sender's word.
    pub occurred_at: Timestamp,
    /// The server's clock when it was stored.
    pub received_at: Timestamp,
    /// A JSON object: the parameters of an event, or what changed of a contact; empty where that was erased.
    pub body: String,
}

/// What a reader asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Row of the project.
    pub project: i64,
    /// Behind which place; from where the stream begins without.
    pub after: Option<Cursor>,
    /// Of which types.
    pub patterns: &'a Patterns,
    /// Of which datasources, by row; of all without.
    pub datasources: Option<&'a [i64]>,
    /// How many items at the most; held to 1 … [`LONGEST`].
    pub limit: usize,
}

/// A page of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The items, in their order.
    pub items: Vec<Item>,
    /// Where to go on: behind everything that was looked at.
    pub next: Cursor,
    /// Whether there was nothing more that is settled.
    pub caught_up: bool,
}

/// The place behind everything that is settled now.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn head(pool: &Pool) -> Result<Cursor, StoreError> {
    Ok(behind(&Lease::of(pool).await?.one(sql!("outbound_head"), &[]).await?))
}

/// The place before everything that was received at `from` or later. A few items that were received shortly before may come
/// behind it, for the order is that of commits.
///
/// Never before the beginning of the stream, where older items are past their retention.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn since(pool: &Pool, project: i64, from: Timestamp) -> Result<Cursor, StoreError> {
    let place = received_since(pool, project, from).await?;
    Ok(retention::floor(pool, project).await?.map_or(place, |floor| floor.max(place)))
}

async fn received_since(pool: &Pool, project: i64, from: Timestamp) -> Result<Cursor, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let head = behind(&lease.one(sql!("outbound_head"), &[]).await?);
    let oldest = lease.first(sql!("outbound_oldest"), &[&project]).await?;
    let Some(oldest) = oldest else { return Ok(head) };
    if oldest.get::<_, Timestamp>(2) >= from {
        return Ok(before(&oldest).min(head));
    }
    // Stretches grow, because there may be months without a lot.
    let (mut begin, mut stretch) = (from, SignedDuration::from_secs(10));
    loop {
        let end = begin.saturating_add(stretch).unwrap_or(Timestamp::MAX);
        if let Some(row) = lease.first(sql!("outbound_since"), &[&project, &begin, &end]).await? {
            return Ok(before(&row).min(head));
        }
        if end == Timestamp::MAX {
            return Ok(head);
        }
        (begin, stretch) = (end, stretch.saturating_mul(2));
    }
}

/// Reads the next page.
///
/// A page may be empty while it is not caught up: how much one looks through is bounded. Every item of the project comes on exactly
/// one page of a reader that goes on with [`Page::next`], in the same order for every reader.
///
/// # Errors
/// [`StoreError::Expired`] with where the stream begins, when that lies behind the place asked for; else [`StoreError`] when the
/// database cannot be asked.
pub async fn page(pool: &Pool, wanted: &Wanted<'_>) -> Result<Page, StoreError> {
    let mut start = match wanted.after {
        Some(place) => place,
        None => beginning(pool, wanted.project).await?,
    };
    loop {
        let page = walk(pool, wanted, start).await?;
        // Looked at behind the rows: what was let go of before they were read may be missing among them.
        let begins = beginning(pool, wanted.project).await?;
        if begins <= start {
            return Ok(page);
        }
        if wanted.after.is_some() {
            return Err(StoreError::Expired(begins));
        }
        start = begins;
    }
}

/// The place behind which the stream of a project begins.
async fn beginning(pool: &Pool, project: i64) -> Result<Cursor, StoreError> {
    let floor = retention::floor(pool, project).await?;
    Ok(floor.unwrap_or(Cursor { epoch: 0, tx: 0, id: 0 }))
}

/// A page behind a place, of what is there.
async fn walk(pool: &Pool, wanted: &Wanted<'_>, start: Cursor) -> Result<Page, StoreError> {
    let limit = wanted.limit.clamp(1, LONGEST);
    let lease = Lease::of(pool).await?;
    let mut walk = Walk { lease, wanted, limit, next: start, day: None, items: Vec::new() };
    let (mut passed, mut scanned, mut statements) = (0, 0, 0);
    loop {
        let (lots, head) = walk.lots().await?;
        let full = lots.len() == LOTS;
        passed += lots.len();
        let mut rest = lots.as_slice();
        while !rest.is_empty() {
            let run = walk.run(rest);
            let (some, behind) = rest.split_at(run);
            rest = behind;
            let rows = some.iter().filter(|lot| walk.wants(lot)).map(Lot::rows).sum::<usize>();
            if rows > 0 {
                if walk.is_full() || scanned + rows > SCANNED.max(rows) || statements == STATEMENTS {
                    return Ok(walk.end(false));
                }
                (scanned, statements) = (scanned + rows, statements + 1);
                if !walk.rows(some).await? {
                    return Ok(walk.end(false));
                }
            }
            walk.next = some.last().map_or(walk.next, Lot::end);
        }
        if !full {
            walk.next = walk.next.max(head);
            return Ok(walk.end(true));
        }
        if passed >= PASSED {
            return Ok(walk.end(false));
        }
    }
}

/// One lot, or what is left of it behind a place.
#[derive(Debug, Clone, Copy)]
struct Lot {
    epoch: u32,
    tx: u64,
    first_id: i64,
    last_id: i64,
    datasource: i64,
    received_at: Timestamp,
}

impl Lot {
    fn rows(&self) -> usize {
        usize::try_from(self.last_id - self.first_id + 1).unwrap_or(0)
    }

    /// The place behind it.
    fn end(&self) -> Cursor {
        self.place(self.last_id)
    }

    fn place(&self, id: i64) -> Cursor {
        Cursor { epoch: self.epoch, tx: self.tx, id: unsigned(id) }
    }
}

/// A walk from a place on.
struct Walk<'a> {
    lease: Lease,
    wanted: &'a Wanted<'a>,
    limit: usize,
    next: Cursor,
    /// The day that was read last.
    day: Option<Day>,
    items: Vec<Item>,
}

impl Walk<'_> {
    fn is_full(&self) -> bool {
        self.items.len() >= self.limit
    }

    fn end(self, caught_up: bool) -> Page {
        Page { items: self.items, next: self.next, caught_up }
    }

    fn wants(&self, lot: &Lot) -> bool {
        self.wanted.datasources.is_none_or(|datasources| datasources.contains(&lot.datasource))
    }

    /// The next lots, and the place behind everything that was settled in the same snapshot.
    async fn lots(&mut self) -> Result<(Vec<Lot>, Cursor), StoreError> {
        let Cursor { epoch: in_epoch, tx, id } = self.next;
        let at_epoch = i32::try_from(in_epoch).unwrap_or(i32::MAX);
        let (tx, id) = (tx.to_string(), i64::try_from(id).unwrap_or(i64::MAX));
        let most = i64::try_from(LOTS).unwrap_or(i64::MAX);
        let found = self
            .lease
            .query(sql!("outbound_lots"), &[&self.wanted.project, &at_epoch, &tx, &id, &most])
            .await?;
        let head = found.first().map_or(self.next, behind);
        let lots = found.iter().filter_map(|row| {
            let lot = Lot {
                epoch: epoch(row.get::<_, Option<i32>>(2)?),
                tx: unsigned(row.get(3)),
                first_id: row.get(4),
                last_id: row.get(5),
                datasource: row.get(6),
                received_at: row.get(7),
            };
            // What is left of the one that the place is in.
            let inside = (lot.epoch, lot.tx) == (self.next.epoch, self.next.tx);
            Some(if inside { Lot { first_id: lot.first_id.max(id.saturating_add(1)), ..lot } } else { lot })
        });
        Ok((lots.collect(), head))
    }

    /// How many of the lots one statement takes: close to each other in time, and with about as many rows as are missing.
    fn run(&self, lots: &[Lot]) -> usize {
        let missing = self.limit - self.items.len().min(self.limit);
        let most = if self.wanted.patterns.is_all() { missing } else { ROWS };
        let (mut rows, mut run) = (0, 0);
        let mut last: Option<Timestamp> = None;
        for lot in lots {
            let near = last.is_none_or(|last| {
                lot.received_at.duration_since(last).abs() <= APART && same_day(lot.received_at, last)
            });
            if run > 0 && (rows >= most || (self.wants(lot) && !near)) {
                break;
            }
            if self.wants(lot) {
                rows += lot.rows();
                last = Some(lot.received_at);
            }
            run += 1;
        }
        run
    }

    /// Reads the rows of some lots; `false` when the page got full before their end was known to be reached.
    async fn rows(&mut self, lots: &[Lot]) -> Result<bool, StoreError> {
        let lots: Vec<&Lot> = lots.iter().filter(|lot| self.wants(lot)).collect();
        let (Some(from), Some(to)) =
            (lots.iter().map(|lot| lot.received_at).min(), lots.iter().map(|lot| lot.received_at).max())
        else {
            return Ok(true);
        };
        let places = self.places(from, to).await?;
        let times: Vec<Timestamp> = lots.iter().map(|lot| lot.received_at).collect();
        let first: Vec<i64> = lots.iter().map(|lot| lot.first_id).collect();
        let last: Vec<i64> = lots.iter().map(|lot| lot.last_id).collect();
        let (low, high) = (first.iter().min(), last.iter().max());
        let (project, patterns) = (self.wanted.project, self.wanted.patterns);
        let missing = self.limit - self.items.len();
        let most = i64::try_from(missing).unwrap_or(i64::MAX);
        let (all, exact, prefixes) = (patterns.is_all(), patterns.exact(), patterns.prefixes());
        let question: [&(dyn ToSql + Sync); 12] =
            [&project, &from, &to, &low, &high, &all, &exact, &prefixes, &times, &first, &last, &most];
        let mut found = None;
        if let Some((begin, end)) = places {
            let places: [&(dyn ToSql + Sync); 2] = [&format!("({begin},0)"), &format!("({end},0)")];
            let rows = self.lease.query(sql!("outbound_places"), &[&question[..], &places].concat()).await?;
            // Of all types and without the limit: a row that lies elsewhere must not be made up for by one from behind the limit.
            let there = rows.first().and_then(|row| row.get::<_, Option<i64>>(10)).unwrap_or(0);
            // Where rows are missing, some lie elsewhere or are gone: the index knows.
            let expected: usize = lots.iter().map(|lot| lot.rows()).sum();
            let whole = usize::try_from(there).is_ok_and(|there| there == expected);
            found = whole.then_some(rows);
        }
        let found = match found {
            Some(rows) => rows,
            None => self.lease.query(sql!("outbound_rows"), &question).await?,
        };
        let before = self.items.len();
        self.items.extend(found.iter().filter_map(|row| item(row, &lots)));
        if self.items.len() - before < missing {
            return Ok(true);
        }
        self.next = self.items.last().map_or(self.next, |item| item.cursor);
        Ok(false)
    }

    /// Where the rows of a stretch of one day lie, if that is known without the index.
    async fn places(&mut self, from: Timestamp, to: Timestamp) -> Result<Option<(i64, i64)>, StoreError> {
        if self.day.is_none_or(|day| !day.holds(from)) {
            self.day = Day::of(&mut self.lease, from).await?;
        }
        match self.day.filter(|day| day.holds(to)) {
            Some(day) => day.around(&mut self.lease, from, to).await,
            None => Ok(None),
        }
    }
}

fn same_day(one: Timestamp, other: Timestamp) -> bool {
    const DAY: i64 = 86_400;
    one.as_second().div_euclid(DAY) == other.as_second().div_euclid(DAY)
}

fn item(row: &Row, lots: &[&Lot]) -> Option<Item> {
    // Counted from 1 by the statement.
    let at: i32 = row.get::<_, Option<i32>>(0)?;
    let lot = lots.get(usize::try_from(at).ok()?.checked_sub(1)?)?;
    let kind: i8 = row.get(2);
    Some(Item {
        cursor: lot.place(row.get(1)),
        kind: if kind.cast_unsigned() == Kind::Contact.letter() { Kind::Contact } else { Kind::Event },
        event_type: row.get(3),
        datasource: row.get(4),
        user_id: row.get(5),
        event_id: row.get(6),
        occurred_at: row.get(7),
        received_at: row.get(8),
        body: row.get(9),
    })
}

/// The place just below the horizon: its epoch, and the oldest transaction that is still open.
fn behind(row: &Row) -> Cursor {
    let tx = unsigned(row.get(1));
    Cursor { epoch: epoch(row.get(0)), tx: tx.saturating_sub(1), id: i64::MAX.cast_unsigned() }
}

/// The place before all that a transaction wrote.
fn before(row: &Row) -> Cursor {
    Cursor { epoch: epoch(row.get(0)), tx: unsigned(row.get(1)), id: 0 }
}

/// Epochs are counted from 1.
fn epoch(n: i32) -> u32 {
    u32::try_from(n).unwrap_or(0)
}

/// Transaction ids and ids of rows are never negative.
fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
