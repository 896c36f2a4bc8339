//! What was stored in each minute, by count and by sum: a sender holds it against what it sent.

use deadpool_postgres::Pool;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::{StoreError, lease::Lease};
use crate::domain::ids::Inlet;

/// What the lots of one datasource and one minute hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    /// Its beginning, by the server's clock.
    pub at: Timestamp,
    /// Events.
    pub events: i64,
    /// Sum modulo 2⁶⁴ of the audit words of their ids.
    pub id_sum: u64,
    /// Changes of contacts.
    pub contacts: i64,
    /// The same sum over their user ids.
    pub contact_sum: u64,
}

/// The minutes from one time up to, and without, another that hold anything, in order. Both should be whole minutes, or the first
/// and the last are told in part.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn read(
    pool: &Pool,
    inlet: Inlet,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Minute>, StoreError> {
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&inlet.project, &inlet.datasource, &from, &to];
    let rows = Lease::of(pool).await?.query(sql!("sums_read"), &values).await?;
    rows.iter().map(minute).collect()
}

fn minute(row: &Row) -> Result<Minute, StoreError> {
    Ok(Minute {
        at: row.get(0),
        events: row.get(1),
        id_sum: word(row.get(2))?,
        contacts: row.get(3),
        contact_sum: word(row.get(4))?,
    })
}

/// A sum of words that were stored as numbers with a sign, modulo 2⁶⁴.
fn word(text: &str) -> Result<u64, StoreError> {
    let sum: i128 = text.parse().map_err(|_| StoreError::Content("a sum is no number".into()))?;
    u64::try_from(sum.rem_euclid(1 << 64)).map_err(|_| StoreError::Content("a sum is too large".into()))
}
