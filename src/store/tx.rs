//! Transactions over the driver. Beside the wire of a lane, the only file that commits.
//!
//! `COMMIT` inside a failed transaction succeeds on the wire with the tag `ROLLBACK`, and the driver answers `Ok`. So a
//! transaction here remembers whether any of its statements failed, and refuses to call that a commit.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::{Client, Row, ToStatement, Transaction, types::ToSql};

use super::StoreError;

/// An open transaction. Dropped without a commit, it is rolled back.
pub struct Tx<'c> {
    inner: Transaction<'c>,
    name: &'static str,
    failed: AtomicBool,
}

impl<'c> Tx<'c> {
    /// Begins a transaction; `name` labels its errors.
    ///
    /// # Errors
    /// [`StoreError::Postgres`] when the connection is gone.
    pub async fn begin(client: &'c mut Client, name: &'static str) -> Result<Self, StoreError> {
        Ok(Self { inner: client.transaction().await?, name, failed: AtomicBool::new(false) })
    }

    /// Runs a statement and answers its rows.
    ///
    /// # Errors
    /// Whatever PostgreSQL says; the transaction can then only be rolled back.
    pub async fn query<S: ?Sized + ToStatement>(
        &self,
        statement: &S,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        self.note(self.inner.query(statement, parameters).await)
    }

    /// Runs a statement and answers how many rows it touched.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn execute<S: ?Sized + ToStatement>(
        &self,
        statement: &S,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        self.note(self.inner.execute(statement, parameters).await)
    }

    fn note<T>(&self, result: Result<T, tokio_postgres::Error>) -> Result<T, StoreError> {
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        Ok(result?)
    }

    /// Commits; when this answers `Ok`, the WAL is flushed.
    ///
    /// # Errors
    /// [`StoreError::RolledBack`] when a statement of this transaction had failed, whatever became of that error: nothing
    /// is stored then. An error of the connection leaves the fate open.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Relaxed) {
            self.inner.rollback().await?;
            return Err(StoreError::RolledBack(self.name));
        }
        Ok(self.inner.commit().await?)
    }

    /// Gives up everything this transaction did.
    ///
    /// # Errors
    /// [`StoreError::Postgres`] when the connection is gone, which rolls back as well.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}
