//! Which cluster transaction ids belong to.
//!
//! They start anew in a restored cluster and are issued twice after a fail-over to an asynchronous standby. So each lane
//! connection compares the cluster with the newest epoch, and opens the next one when they differ.
//!
//! A restore gives the epochs it brought new numbers (`docs/decisions/0013-restore-renumbers-epochs.md`). The old ones stay
//! behind and name them, so that a cursor from before the restore is told from one of this history.

use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::Client;

use super::{StoreError, lease::Lease, purge, retention, tally, tx::Tx, webhooks};
use crate::domain::cursor::Cursor;

/// Key of the advisory lock under which an epoch is opened.
const LOCK: i64 = 0x7469_6465_6570_6f63;

/// The epoch that new lots belong to, opening one where the cluster is not the one the newest epoch names, or where that
/// epoch holds a transaction id that this cluster has yet to issue.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked or written.
pub async fn current(client: &mut Client) -> Result<i32, StoreError> {
    if let Standing::Current(n) = standing(client).await? {
        return Ok(n);
    }
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let opened = open_unless_opened(client).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    opened
}

enum Standing {
    Current(i32),
    Stale { next: i32, system_identifier: i64, timeline: i32 },
}

async fn standing(client: &Client) -> Result<Standing, StoreError> {
    let row = client.query_one(sql!("epoch_state"), &[]).await?;
    let (newest, ahead): (Option<i32>, i64) = (row.get(0), row.get(5));
    let stored: (Option<i64>, Option<i32>) = (row.get(1), row.get(2));
    let cluster: (i64, i32) = (row.get(3), row.get(4));
    let same = stored == (Some(cluster.0), Some(cluster.1));
    let possible = row.get::<_, Option<i64>>(6).is_none_or(|tx| tx < ahead);
    Ok(match newest {
        Some(n) if same && possible => Standing::Current(n),
        _ => Standing::Stale {
            next: newest.map_or(1, |n| n + 1),
            system_identifier: cluster.0,
            timeline: cluster.1,
        },
    })
}

async fn open_unless_opened(client: &Client) -> Result<i32, StoreError> {
    match standing(client).await? {
        Standing::Current(n) => Ok(n),
        Standing::Stale { next, system_identifier, timeline } => {
            client.execute(sql!("epoch_open"), &[&next, &system_identifier, &timeline]).await?;
            tracing::info!(epoch = next, "opened an epoch");
            Ok(next)
        }
    }
}

/// What a cursor is worth in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It is a place in the order; go on from there.
    Current,
    /// It is from before a restore, which brought what it points at.
    Moved {
        /// The same place in the order as it is now.
        restart: Cursor,
    },
    /// It is from a history that a restore cut off, and no place in this order is known to be the same: begin again.
    Lost,
    /// No history of this database has given it out: it is forged, or another database's.
    Unknown,
}

/// Judges a cursor by its epoch, and in the epoch of this cluster by the transaction ids that were given out.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn standing_of(pool: &Pool, cursor: Cursor) -> Result<Position, StoreError> {
    // Numbers of epochs begin with 1, and are as wide as their column.
    let Some(epoch) = i32::try_from(cursor.epoch).ok().filter(|n| *n > 0) else {
        return Ok(Position::Unknown);
    };
    let row = Lease::of(pool).await?.one(sql!("epoch_of_cursor"), &[&epoch]).await?;
    let (known, moved_to): (bool, Option<i32>) = (row.get(0), row.get(1));
    if let Some(restart) = moved_to.and_then(|n| u32::try_from(n).ok()) {
        return Ok(Position::Moved { restart: Cursor { epoch: restart, ..cursor } });
    }
    let newest: Option<i32> = row.get(2);
    if newest.is_none_or(|newest| epoch > newest) {
        return Ok(Position::Unknown);
    }
    if !known {
        return Ok(Position::Lost);
    }
    let (ours, next): (Option<bool>, i64) = (row.get(3), row.get(4));
    let ahead = i64::try_from(cursor.tx).map_or(true, |tx| tx >= next);
    let impossible = newest == Some(epoch) && ours == Some(true) && ahead;
    Ok(if impossible { Position::Unknown } else { Position::Current })
}

/// 2020-01-01T00:00:00Z, in seconds since 1970: numbers of restored epochs count the seconds from here, until 2088.
const NUMBERS_FROM: i64 = 1_577_836_800;

/// Gives the epochs that a restore brought new numbers, their order kept, and leaves the old ones behind.
///
/// The first new number is the time in seconds, so that two restores of one file do not give the same numbers to different
/// histories.
///
/// # Errors
/// As [`Tx::query`].
pub(super) async fn renumber(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    let from = i32::try_from(now.as_second().saturating_sub(NUMBERS_FROM)).unwrap_or(0);
    let rows = tx.query(sql!("epoch_shift"), &[&from]).await?;
    let Some(shift) = rows.first().and_then(|row| row.get::<_, Option<i32>>(0)) else {
        // No lane has ever written there.
        return Ok(());
    };
    tx.execute(sql!("epoch_shift_lots"), &[&shift]).await?;
    tally::shift(tx, shift).await?;
    purge::shift(tx, shift).await?;
    retention::shift(tx, shift).await?;
    webhooks::shift(tx, shift).await?;
    tx.execute(sql!("epoch_leave"), &[&shift]).await?;
    tx.execute(sql!("epoch_arrive"), &[&shift]).await?;
    Ok(())
}
