//! Retention: what a project received longer ago than it keeps things goes, and its stream begins behind that.
//!
//! Promises that what is past goes for every reader at one moment and does not come back, that totals go on to count it, and that
//! rows follow in small transactions. Must not know who may set a retention, nor how a reader is told.

mod days;

mod floor;

mod rows;

pub use days::drop_one;
pub use floor::raise;
pub use rows::{Removed, behind, step};

use super::{Pool, StoreError, lease::Lease, tx::Tx};
use crate::domain::cursor::Cursor;

/// Where the stream of a project begins: all up to and including this position is past. `None` where nothing ever was.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn floor(pool: &Pool, project: i64) -> Result<Option<Cursor>, StoreError> {
    let Some(row) = Lease::of(pool).await?.first(sql!("retention_floor"), &[&project]).await? else {
        return Ok(None);
    };
    let (epoch, tx, id): (i32, &str, i64) = (row.get(0), row.get(1), row.get(2));
    let epoch = u32::try_from(epoch).map_err(|_| StoreError::Content(format!("{epoch} is no epoch")))?;
    let tx = tx.parse().map_err(|_| StoreError::Content(format!("{tx} is no transaction id")))?;
    Ok(Some(Cursor { epoch, tx, id: id.cast_unsigned() }))
}

/// Moves every position by as many epochs as a restore moved the lots.
///
/// # Errors
/// As [`Tx::query`].
pub async fn shift(tx: &Tx<'_>, by: i32) -> Result<(), StoreError> {
    tx.execute(sql!("retention_shift"), &[&by]).await?;
    Ok(())
}
