//! What a datasource holds: the tally of the lots that filled it, and the sum of those that are not tallied yet.

use deadpool_postgres::Pool;
use tokio_postgres::{Client, Row, types::ToSql};

use super::{StoreError, lease::Lease};
use crate::domain::ids::Inlet;

/// Contacts and events that a datasource holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Contacts.
    pub contacts: i64,
    /// Events.
    pub events: i64,
}

/// Reads the totals of a datasource.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn read(pool: &Pool, project: i64, datasource: i64) -> Result<Totals, StoreError> {
    let row = Lease::of(pool).await?.one(sql!("datasource_totals"), &[&project, &datasource]).await?;
    Ok(of(&row))
}

/// As [`read`], on a connection of the caller's.
///
/// # Errors
/// As [`read`].
pub async fn read_on(client: &Client, inlet: Inlet) -> Result<Totals, StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&inlet.project, &inlet.datasource];
    Ok(of(&client.query_one(sql!("datasource_totals"), &values).await?))
}

fn of(row: &Row) -> Totals {
    Totals { events: row.get(0), contacts: row.get(1) }
}
