//! A pooled connection that cannot be waited for without end.
//!
//! `statement_timeout` is kept by the server, which may be what is frozen; so every statement has a limit here as well, and a
//! connection that met a failure which ends connections does not go back to its pool.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::time::timeout;
use tokio_postgres::{Client, Row, types::ToSql};

use super::StoreError;

/// How long one statement may take, its preparation included.
const LIMIT: Duration = Duration::from_secs(5);

/// A connection on loan from a pool.
pub(super) struct Lease {
    /// Always there until the lease is dropped.
    object: Option<Object>,
    spoiled: bool,
}

impl Lease {
    /// Takes a connection; the pool itself gives up after its own limits.
    pub(super) async fn of(pool: &Pool) -> Result<Self, StoreError> {
        Ok(Self { object: Some(pool.get().await?), spoiled: false })
    }

    /// Says that the connection is in the middle of something, and must not go back as it is.
    pub(super) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// Says that what was in the middle is over.
    pub(super) fn unspoil(&mut self) {
        self.spoiled = false;
    }

    /// Runs a named statement, prepared once a connection, and answers its rows.
    pub(super) async fn query(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        self.limited(async |client| {
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, parameters).await?)
        })
        .await
    }

    /// Runs a statement that cannot have a name, because it names a partition; it always gives a row.
    pub(super) async fn one_of_text(
        &mut self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, StoreError> {
        self.limited(async |client| Ok(client.query_one(sql, parameters).await?)).await
    }

    async fn limited<T>(
        &mut self,
        work: impl AsyncFnOnce(&Object) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(client) = &self.object else { return Err(StoreError::TimedOut(LIMIT)) };
        let outcome = timeout(LIMIT, work(client)).await.unwrap_or(Err(StoreError::TimedOut(LIMIT)));
        self.spoiled |= outcome.as_ref().is_err_and(StoreError::ends_connection);
        outcome
    }

    /// As [`Lease::query`], for a statement that gives one row at the most.
    pub(super) async fn first(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// As [`Lease::query`], for a statement that always gives a row.
    pub(super) async fn one(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, StoreError> {
        let row = self.first(sql, parameters).await?;
        row.ok_or_else(|| StoreError::Content("a statement that always gives a row gave none".into()))
    }
}

/// Runs work on one connection of a pool, within the limit of one statement; a transaction that it leaves open is rolled back.
///
/// # Errors
/// That of the work, or [`StoreError`] when no connection can be had in time.
pub async fn on<T>(
    pool: &Pool,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut lease = Lease::of(pool).await?;
    let Some(object) = &mut lease.object else { return Err(StoreError::TimedOut(LIMIT)) };
    // Set first: should this be dropped in the middle, the connection may be in the middle of something too.
    lease.spoiled = true;
    let outcome = timeout(LIMIT, work(object)).await.unwrap_or(Err(StoreError::TimedOut(LIMIT)));
    lease.spoiled = outcome.as_ref().is_err_and(StoreError::ends_connection);
    outcome
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| self.spoiled) {
            drop(Object::take(object));
        }
    }
}
