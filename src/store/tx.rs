//! Transactions. The only file that commits.
//!
//! `COMMIT` inside a failed transaction succeeds on the wire with the tag `ROLLBACK`, and the driver answers `Ok`. So a
//! transaction here remembers whether any of its statements failed, and refuses to call that a commit.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::{Client, Row, ToStatement, Transaction, error::SqlState, types::ToSql};

use super::StoreError;

/// An open transaction. Dropped without a commit, it is rolled back.
pub struct Tx<'c> {
    inner: Transaction<'c>,
    name: &'static str,
    failed: AtomicBool,
}

/// What became of a transaction whose `COMMIT` got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is committed.
    Committed,
    /// It is rolled back; nothing of it was stored.
    Aborted,
    /// It still runs.
    Running,
    /// The server no longer knows, because it is too long ago.
    Unknown,
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
    /// is stored then. Any other error leaves the fate open: ask [`fate`].
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

/// What only a certain lot left behind, to recognise its transaction by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Its transaction.
    pub xid: i64,
    /// Its epoch.
    pub epoch: i32,
    /// The project of one of its rows in `lot`.
    pub project: i64,
    /// The first event id of that row, which nobody else was ever given.
    pub first_id: i64,
}

/// Asks what became of the transaction that left `trace`.
///
/// The status alone is not enough: after a crash PostgreSQL may issue a transaction id again that it had issued before without
/// writing anything down, and `committed` would be said of somebody else. The row of the lot is the proof. It is looked for after
/// the status was asked, or a commit in between would be missed.
///
/// # Errors
/// [`StoreError`] when the server cannot be asked.
pub async fn fate(client: &Client, trace: &Trace) -> Result<Fate, StoreError> {
    let xid = trace.xid.to_string();
    let status = match client.query_one(sql!("tx_fate"), &[&xid]).await {
        Ok(row) => row.get::<_, Option<String>>(0),
        // An id that the cluster has yet to issue was lost in a crash, and its transaction with it.
        Err(error) if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => Some("aborted".into()),
        Err(error) => return Err(error.into()),
    };
    let fate = match status.as_deref() {
        Some("aborted") => return Ok(Fate::Aborted),
        Some("in progress") => return Ok(Fate::Running),
        Some(_) => Fate::Aborted,
        None => Fate::Unknown,
    };
    let proof: [&(dyn ToSql + Sync); 4] = [&trace.project, &trace.epoch, &xid, &trace.first_id];
    let there = client.query_opt(sql!("tx_proof"), &proof).await?.is_some();
    Ok(if there { Fate::Committed } else { fate })
}
