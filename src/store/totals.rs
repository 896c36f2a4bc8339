//! What a datasource holds: the tally of the lots that filled it, and the sum of those that are not tallied yet.

use deadpool_postgres::Pool;

use super::{StoreError, lease::Lease};

/// Contacts and events that a datasource holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Contacts.
    pub contacts: i64,
    /// Events.
    pub events: i64,
}

/// Reads the totals of a datasource: exact at the moment they are read, as they come from one snapshot.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn read(pool: &Pool, project: i64, datasource: i64) -> Result<Totals, StoreError> {
    let row = Lease::of(pool).await?.one(sql!("datasource_totals"), &[&project, &datasource]).await?;
    Ok(Totals { events: row.get(0), contacts: row.get(1) })
}
