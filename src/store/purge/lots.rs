//! Lots, with their rows of the log and the claims of those.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{MARGIN, Next, Position, Progress, Purge};
use crate::store::{StoreError, tx::Tx};

/// Lots of a project that one step looks through for those of the datasource.
const LOOKED_AT: i64 = 20_000;

/// Lots of the datasource that one step removes at the most, and how many rows may bring it to an end before; the last lot may
/// be larger.
pub(in crate::store) const LOTS: i64 = 100;
const ROWS: i64 = 1_000;

/// Stretches of ids that one step looks up; each costs a scan of the partition's summaries.
const RUNS: usize = 4;

/// Ids between two lots that are worth reading through rather than being looked up anew.
const GAP: i64 = 4_096;

/// One lot that goes.
pub(in crate::store) struct Lot {
    pub(in crate::store) position: Position,
    pub(in crate::store) first_id: i64,
    pub(in crate::store) last_id: i64,
    pub(in crate::store) events: i64,
    pub(in crate::store) rows: i64,
    pub(in crate::store) received_at: Timestamp,
    pub(in crate::store) datasource: i64,
}

impl Lot {
    pub(in crate::store) fn read(row: &Row) -> Result<Self, StoreError> {
        let (events, contacts): (i32, i32) = (row.get(4), row.get(5));
        Ok(Self {
            position: Position::read(row, 0)?,
            first_id: row.get(2),
            last_id: row.get(3),
            events: i64::from(events),
            rows: i64::from(events) + i64::from(contacts),
            received_at: row.get(6),
            datasource: row.get(7),
        })
    }
}

/// Removes the next lots, or goes on to the contacts when all are gone.
pub(super) async fn step(tx: &Tx<'_>, purge: &Purge, now: Timestamp) -> Result<Progress, StoreError> {
    if purge.at >= purge.until {
        let next = if purge.settled {
            tx.execute(sql!("purge_to_claims"), &[&purge.datasource]).await?;
            Next::More
        } else {
            Next::Wait
        };
        return Ok(Progress { removed: 0, next });
    }
    let (mut lots, end) = window(tx, purge, purge.at).await?;
    let found = lots.len();
    let runs = runs(&mut lots);
    let whole = lots.len() == found && i64::try_from(found).is_ok_and(|found| found < LOTS);
    let at = if whole { end } else { lots.last().map_or(end, |lot| lot.position.behind()) };
    let mut removed = 0;
    for run in &runs {
        removed += remove_rows(tx, purge, &lots, run).await?;
    }
    remove_lots(tx, purge, &lots, now).await?;
    let events: i64 = lots.iter().map(|lot| lot.events).sum();
    tx.execute(sql!("purge_tally"), &[&purge.datasource, &events, &0_i64]).await?;
    let shells = lots.iter().find(|lot| is_young(lot, now)).map(|lot| lot.position);
    let shells = purge.shells_from.or(shells);
    let (shell_epoch, shell_tx) = (shells.map(|at| at.epoch), shells.map(Position::xid));
    tx.execute(sql!("purge_move"), &[&purge.datasource, &at.epoch, &at.xid(), &shell_epoch, &shell_tx])
        .await?;
    Ok(Progress { removed, next: Next::More })
}

/// The datasource's lots within the next stretch of the project's, and where that stretch ends.
async fn window(tx: &Tx<'_>, purge: &Purge, from: Position) -> Result<(Vec<Lot>, Position), StoreError> {
    let bounds = [from, purge.until].map(|position| (position.epoch, position.xid()));
    let [(from, from_tx), (until, until_tx)] = &bounds;
    let end =
        tx.query(sql!("purge_window"), &[&purge.project, from, from_tx, until, until_tx, &LOOKED_AT]).await?;
    let end = end.first().map(|row| Position::read(row, 0)).transpose()?.unwrap_or(purge.until);
    let (end_epoch, end_tx) = (end.epoch, end.xid());
    let rows = tx
        .query(
            sql!("purge_lots"),
            &[&purge.project, &purge.datasource, from, from_tx, &end_epoch, &end_tx, &LOTS],
        )
        .await?;
    Ok((rows.iter().map(Lot::read).collect::<Result<_, _>>()?, end))
}

/// Which of `lots` lie close together, by id; what is too much for one step is cut off the end of `lots`.
pub(in crate::store) fn runs(lots: &mut Vec<Lot>) -> Vec<(i64, i64)> {
    let mut rows = 0;
    let enough = lots.iter().position(|lot| {
        rows += lot.rows;
        rows >= ROWS
    });
    lots.truncate(enough.map_or(lots.len(), |last| last + 1));
    loop {
        let mut stretches: Vec<(i64, i64)> = lots.iter().map(|lot| (lot.first_id, lot.last_id)).collect();
        stretches.sort_unstable();
        stretches.dedup_by(|next, last| {
            let near = next.0 - last.1 <= GAP;
            if near {
                last.1 = last.1.max(next.1);
            }
            near
        });
        if stretches.len() <= RUNS {
            return stretches;
        }
        lots.truncate(lots.len() / 2);
    }
}

/// Removes the rows of the lots within one stretch of ids, and the claims of those that are events.
async fn remove_rows(tx: &Tx<'_>, purge: &Purge, lots: &[Lot], run: &(i64, i64)) -> Result<i64, StoreError> {
    let within: Vec<&Lot> = lots.iter().filter(|lot| (run.0..=run.1).contains(&lot.first_id)).collect();
    let firsts: Vec<i64> = within.iter().map(|lot| lot.first_id).collect();
    let lasts: Vec<i64> = within.iter().map(|lot| lot.last_id).collect();
    let times: Vec<Timestamp> = within.iter().map(|lot| lot.received_at).collect();
    let (Some(from), Some(to)) = (times.iter().min(), times.iter().max()) else { return Ok(0) };
    let rows = tx
        .query(sql!("purge_rows"), &[&purge.datasource, &firsts, &lasts, &times, &run.0, &run.1, from, to])
        .await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// Removes the lots themselves; young ones stay, emptied.
async fn remove_lots(tx: &Tx<'_>, purge: &Purge, lots: &[Lot], now: Timestamp) -> Result<(), StoreError> {
    for (young, sql) in [(true, sql!("purge_lots_empty")), (false, sql!("purge_lots_delete"))] {
        let some: Vec<&Lot> = lots.iter().filter(|lot| is_young(lot, now) == young).collect();
        let epochs: Vec<i32> = some.iter().map(|lot| lot.position.epoch).collect();
        let xids: Vec<String> = some.iter().map(|lot| lot.position.xid()).collect();
        let firsts: Vec<i64> = some.iter().map(|lot| lot.first_id).collect();
        if !some.is_empty() {
            tx.execute(sql, &[&purge.project, &epochs, &xids, &firsts]).await?;
        }
    }
    Ok(())
}

fn is_young(lot: &Lot, now: Timestamp) -> bool {
    now.duration_since(lot.received_at) < MARGIN
}

/// Removes emptied lots from a position on; answers from where on there may be more, or `None` when all are gone.
pub(super) async fn remove_shells(
    tx: &Tx<'_>,
    purge: &Purge,
    from: Position,
    now: Timestamp,
) -> Result<Option<Position>, StoreError> {
    let (lots, end) = window(tx, purge, from).await?;
    remove_lots(tx, purge, &lots, now).await?;
    let at = match lots.last() {
        Some(last) if i64::try_from(lots.len()).is_ok_and(|found| found >= LOTS) => last.position.behind(),
        _ => end,
    };
    Ok((at < purge.until).then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lots(ids: &[(i64, i64)]) -> Vec<Lot> {
        ids.iter()
            .zip(1..)
            .map(|((first_id, last_id), tx)| Lot {
                position: Position { epoch: 1, tx },
                first_id: *first_id,
                last_id: *last_id,
                events: last_id - first_id + 1,
                rows: last_id - first_id + 1,
                received_at: Timestamp::UNIX_EPOCH,
                datasource: 1,
            })
            .collect()
    }

    #[test]
    fn near_lots_are_looked_up_together() {
        let mut near = lots(&[(1, 10), (100_000, 100_009), (11, 20), (3_000, 3_005)]);
        assert_eq!(runs(&mut near), [(1, 3_005), (100_000, 100_009)]);
        assert_eq!(near.len(), 4);
    }

    #[test]
    fn a_step_ends_at_enough_rows_or_stretches() {
        let mut many = lots(&[(1, 1_500), (1_501, 3_000), (3_001, 3_002)]);
        assert_eq!(runs(&mut many), [(1, 1_500)]);
        assert_eq!(many.len(), 1);
        let scattered: Vec<(i64, i64)> = (0..100).map(|n| (n * 1_000_000, n * 1_000_000)).collect();
        let mut scattered = lots(&scattered);
        assert_eq!(runs(&mut scattered).len(), 3);
        assert_eq!(scattered.len(), 3, "the rest comes with the next steps");
        let mut large = lots(&[(1, 50_000)]);
        assert_eq!(runs(&mut large), [(1, 50_000)], "one at the least");
    }
}
