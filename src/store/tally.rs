//! The running totals of each datasource, moved on behind the lanes.
//!
//! A project's lots are added up in their order, and only those that are settled: earlier epochs whole, the current one below
//! the oldest open transaction. So no lot can appear later among those that were added. Sums and position move in one
//! transaction, and whoever reads both in one snapshot gets exact totals at any time.

use tokio_postgres::Client;

use super::{StoreError, tx::Tx};

/// Lots that one step adds at the most, so that it stays under 100 ms.
pub const STEP: i64 = 20_000;

/// Lots that may be left to the reader, who adds them in well under a millisecond; fewer are not worth a transaction.
pub const LEFT: i64 = 500;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Lots that were added.
    pub lots: i64,
    /// Whether there are more that are settled.
    pub more: bool,
}

/// The projects with more than `left` settled lots that are not tallied.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn behind(client: &Client, left: i64) -> Result<Vec<i64>, StoreError> {
    Ok(client.query(sql!("tally_behind"), &[&left]).await?.iter().map(|row| row.get(0)).collect())
}

/// Adds a project's next settled lots, about `most` of them; lots of one transaction stay together. `None` while another node is
/// at it.
///
/// The position moves to the horizon even where there is nothing to add.
///
/// # Errors
/// [`StoreError`] when the database refuses; nothing has moved then.
pub async fn advance(client: &mut Client, project: i64, most: i64) -> Result<Option<Step>, StoreError> {
    let tx = Tx::begin(client, "tally_advance").await?;
    tx.execute(sql!("tally_begin"), &[&project]).await?;
    // The horizon is read by a later statement than the lock: by then everything another node had tallied is visible.
    let locked = tx.query(sql!("tally_lock"), &[&project]).await?;
    let Some(position) = locked.first() else {
        tx.rollback().await?;
        return Ok(None);
    };
    let (epoch, xid): (i32, &str) = (position.get(0), position.get(1));
    let rows = tx.query(sql!("tally_advance"), &[&project, &epoch, &xid, &most]).await?;
    let step = rows.first().map(|row| Step { lots: row.get(0), more: row.get(1) });
    tx.commit().await?;
    Ok(step)
}

/// Moves every position by as many epochs as a restore moved the lots.
///
/// # Errors
/// As [`Tx::query`].
pub async fn shift(tx: &Tx<'_>, by: i32) -> Result<(), StoreError> {
    tx.execute(sql!("tally_shift"), &[&by]).await?;
    Ok(())
}
