//! Lots and rows that lie before the beginning of a stream, removed in small transactions.
//!
//! Of the projects that keep things for longest no row is removed one by one: their lots go once the day is dropped; see `days.rs`.

use jiff::Timestamp;
use tokio_postgres::Client;

use crate::store::{
    StoreError,
    partitions::{self, Partition},
    purge::{
        Position,
        lots::{LOTS, Lot, runs},
    },
    tally,
    tx::Tx,
};

/// What a step came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Lots that this step removed.
    pub lots: usize,
    /// Rows of the log that it removed.
    pub rows: i64,
}

/// The projects that have something to remove now.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn behind(client: &Client) -> Result<Vec<i64>, StoreError> {
    let oldest = oldest_day(client).await?;
    Ok(client.query(sql!("retention_behind"), &[&oldest]).await?.iter().map(|row| row.get(0)).collect())
}

/// When the oldest day begins for which there is a partition; what was received before has no rows any more.
async fn oldest_day(client: &Client) -> Result<Timestamp, StoreError> {
    let days = partitions::state(client).await?;
    Ok(days.last().map_or(Timestamp::MAX, |day: &Partition| day.from))
}

/// Removes the next lots of a project before the beginning of its stream, with their rows, in a transaction of less than 100 ms: 100
/// of them, or about 1 000 rows; the last lot may be larger. `None` where there is nothing to remove now, or while another worker
/// is at it.
///
/// What goes must have been tallied, so the totals go on to count it. Claims stay: an event that is sent again is a duplicate
/// for as long as the datasource lives.
///
/// # Errors
/// [`StoreError`] when the database refuses; the step is undone then.
pub async fn step(client: &mut Client, project: i64) -> Result<Option<Removed>, StoreError> {
    settle(client, project).await?;
    let oldest = oldest_day(client).await?;
    let tx = Tx::begin(client, "retention_step").await?;
    let locked = tx.query(sql!("retention_lock"), &[&project]).await?;
    let Some(row) = locked.first() else {
        tx.rollback().await?;
        return Ok(None);
    };
    let (from, until) =
        (Position::read(row, 0)?, Position::read(row, 2)?.behind().min(Position::read(row, 4)?));
    let by_days: bool = row.get(6);
    let mut lots = read(&tx, project, from, until).await?;
    let found = lots.len();
    if by_days {
        lots.truncate(lots.iter().take_while(|lot| lot.received_at < oldest).count());
    }
    // A day that is dropped has no rows to look for.
    let runs = if by_days { Vec::new() } else { runs(&mut lots) };
    let mut removed = Removed { lots: lots.len(), rows: 0 };
    for run in &runs {
        removed.rows += remove_rows(&tx, project, &lots, run).await?;
    }
    remove_lots(&tx, project, &lots).await?;
    let whole = lots.len() == found && i64::try_from(found).is_ok_and(|found| found < LOTS);
    // Other lots of the last transaction may be left.
    let at = if whole { until } else { lots.last().map_or(from, |lot| lot.position) };
    tx.execute(sql!("retention_move"), &[&project, &at.max(from).epoch, &at.max(from).xid()]).await?;
    tx.commit().await?;
    Ok((removed.lots > 0).then_some(removed))
}

/// Moves the tally of a project behind the beginning of its stream.
async fn settle(client: &mut Client, project: i64) -> Result<(), StoreError> {
    let tallied = client.query_opt(sql!("retention_unsettled"), &[&project]).await?;
    if tallied.is_some_and(|row| row.get::<_, Option<bool>>(0) != Some(true)) {
        while tally::advance(client, project, tally::STEP).await?.is_some_and(|step| step.more) {}
    }
    Ok(())
}

async fn read(tx: &Tx<'_>, project: i64, from: Position, until: Position) -> Result<Vec<Lot>, StoreError> {
    let rows = tx
        .query(
            sql!("retention_lots"),
            &[&project, &from.epoch, &from.xid(), &until.epoch, &until.xid(), &LOTS],
        )
        .await?;
    rows.iter().map(Lot::read).collect()
}

/// Removes the rows of the lots within one stretch of ids.
async fn remove_rows(
    tx: &Tx<'_>,
    project: i64,
    lots: &[Lot],
    (first, last): &(i64, i64),
) -> Result<i64, StoreError> {
    let within: Vec<&Lot> = lots.iter().filter(|lot| (*first..=*last).contains(&lot.first_id)).collect();
    let firsts: Vec<i64> = within.iter().map(|lot| lot.first_id).collect();
    let lasts: Vec<i64> = within.iter().map(|lot| lot.last_id).collect();
    let times: Vec<Timestamp> = within.iter().map(|lot| lot.received_at).collect();
    let (Some(from), Some(to)) = (times.iter().min(), times.iter().max()) else { return Ok(0) };
    let rows =
        tx.query(sql!("retention_rows"), &[&project, &firsts, &lasts, &times, first, last, from, to]).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// Removes the lots themselves, and notes how many events that were.
async fn remove_lots(tx: &Tx<'_>, project: i64, lots: &[Lot]) -> Result<(), StoreError> {
    let datasources: Vec<i64> = lots.iter().map(|lot| lot.datasource).collect();
    let events: Vec<i64> = lots.iter().map(|lot| lot.events).collect();
    tx.execute(sql!("retention_tally"), &[&datasources, &events]).await?;
    let epochs: Vec<i32> = lots.iter().map(|lot| lot.position.epoch).collect();
    let xids: Vec<String> = lots.iter().map(|lot| lot.position.xid()).collect();
    let firsts: Vec<i64> = lots.iter().map(|lot| lot.first_id).collect();
    tx.execute(sql!("retention_lots_delete"), &[&project, &epochs, &xids, &firsts]).await?;
    Ok(())
}
