//! What can go wrong with PostgreSQL, and what it means for the work at hand.

use std::io;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;
use tokio_postgres::error::SqlState;

use crate::domain::cursor::Cursor;

/// A failure of the store. Its text is for the operator's log and never for a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// PostgreSQL answered with an error, or the connection broke.
    #[error("{}", describe(.0))]
    Postgres(tokio_postgres::Error),
    /// PostgreSQL answered a lane with an error.
    #[error("PostgreSQL answered {} {}: {}", .0.severity, .0.code.code(), .0.message)]
    Answered(Answered),
    /// The connection of a lane broke, or what came over it was not to be understood.
    #[error("the connection to PostgreSQL: {0}")]
    Wire(#[from] io::Error),
    /// No connection could be had from a pool.
    #[error("no connection to PostgreSQL: {0}")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// PostgreSQL did not answer within the time given.
    #[error("PostgreSQL did not answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// The given server cannot keep the promise; the text says which setting to change.
    #[error("{0}")]
    Unfit(String),
    /// The migrations could not be applied.
    #[error("the schema could not be migrated: {0}")]
    Migration(#[from] refinery::Error),
    /// The database was migrated by a newer binary, and this one can no longer work on it.
    #[error(
        "the database has schema version {found}, but this binary knows versions up to {known}: run a newer tidegate"
    )]
    NewerSchema {
        /// The version in the database.
        found: i32,
        /// The newest version this binary has.
        known: i32,
    },
    /// The database is of an older binary, and whoever opened it is not the one to change that.
    #[error(
        "the database has schema version {found}, and this binary needs {known}: run `tidegate migrate` or `tidegate serve` \
         first; servers of the older version that run on it go on"
    )]
    OlderSchema {
        /// The version in the database.
        found: i32,
        /// The newest version this binary has.
        known: i32,
    },
    /// A restore is at work on the database, or one that broke off has left something there.
    #[error(
        "a restore into this database is at work or was not finished: wait for it, or run `tidegate restore FILE` again, \
         which begins anew"
    )]
    UnfinishedRestore,
    /// A transaction was asked to commit after one of its statements had failed; it was rolled back.
    #[error("transaction {0} was rolled back, because one of its statements failed")]
    RolledBack(&'static str),
    /// Another transaction moved what this one was about to write; the same work succeeds when it is tried again.
    #[error("{0}")]
    Moved(&'static str),
    /// A place of a stream lies before its beginning: what comes behind it is past its retention.
    #[error("the place lies before the beginning of the stream; what is kept begins behind {}", .0.encode())]
    Expired(Cursor),
    /// The key that asked for a change was ended in the meantime; nothing was changed.
    #[error("the key that asked for this was ended in the meantime")]
    CallerEnded,
    /// A row does not have the form that the schema promises.
    #[error("unexpected content in the database: {0}")]
    Content(String),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] crate::domain::clock::EntropyError),
}

/// An error of PostgreSQL, without its detail line, which may hold customers' values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    severity: String,
    code: SqlState,
    message: String,
    table: Option<String>,
}

impl Answered {
    /// Reads the fields of an error; see "Error and Notice Message Fields" in the manual.
    pub(super) fn read(body: &ErrorResponseBody) -> io::Result<Self> {
        let mut read = Self {
            severity: String::new(),
            code: SqlState::from_code("XX000"),
            message: String::new(),
            table: None,
        };
        let mut fields = body.fields();
        while let Some(field) = fields.next()? {
            let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'V' => read.severity = text,
                b'C' => read.code = SqlState::from_code(&text),
                b'M' => read.message = text,
                b't' => read.table = Some(text),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Whether the server closes the connection after it.
    fn is_last(&self) -> bool {
        matches!(self.severity.as_str(), "FATAL" | "PANIC") || is_last(self.code.code())
    }
}

/// What a failure means for the work that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A value was refused (SQLSTATE class 22, 23 or 54): somebody's data is to blame.
    Data,
    /// No partition of the log covers the time of receipt: nobody is to blame; make it and try again.
    MissingPartition,
    /// Rows that were taken for new are not: nobody is to blame; look first and try again.
    Taken,
    /// Serialization failure or deadlock: try again as it is.
    Retry,
    /// The server is away, full, read-only, shutting down or too slow: try again later.
    Unavailable,
    /// A row that is stored, or a value for one, is not what it should be: a defect, which only what touches it has to meet.
    Content,
    /// Anything else; a defect.
    Other,
}

impl StoreError {
    /// Classes the failure; see <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Postgres(error) => match error.as_db_error() {
                Some(db) => classify(db.code(), db.table()),
                None => Failure::Unavailable,
            },
            Self::Answered(answered) => classify(&answered.code, answered.table.as_deref()),
            Self::Wire(_) | Self::Pool(_) | Self::TimedOut(_) | Self::RolledBack(_) => Failure::Unavailable,
            Self::Moved(_) => Failure::Retry,
            Self::Content(_) => Failure::Content,
            _ => Failure::Other,
        }
    }

    /// Whether a lock was not to be had within `lock_timeout`.
    pub fn is_locked_out(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }

    /// Whether a statement named a table that is not there: a day of the log that was dropped in the meantime.
    pub(super) fn is_missing_table(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE))
    }

    /// Whether the server itself said that a lane's transaction is rolled back. Anything else that comes instead of the answer to a
    /// commit leaves open what became of it.
    pub fn is_rollback(&self) -> bool {
        matches!(self, Self::Answered(answered) if !answered.is_last())
    }

    /// Whether the connection that met this must be dropped: it is broken, or its server is read-only or going down.
    pub fn ends_connection(&self) -> bool {
        match self {
            Self::Postgres(error) => error.code().is_none_or(|code| is_last(code.code())),
            Self::Answered(answered) => answered.is_last(),
            Self::Wire(_) => true,
            Self::TimedOut(_) => true,
            _ => false,
        }
    }
}

/// Whether the server that gives this code is of no further use to the connection.
fn is_last(code: &str) -> bool {
    code == "25006" || code.starts_with("57P0") || code.starts_with("08")
}

fn classify(code: &SqlState, table: Option<&str>) -> Failure {
    if *code == SqlState::CHECK_VIOLATION && table == Some("event") {
        return Failure::MissingPartition;
    }
    if *code == SqlState::UNIQUE_VIOLATION && table == Some("event_key") {
        return Failure::Taken;
    }
    match code.code() {
        "40001" | "40P01" => Failure::Retry,
        "25006" | "55P03" | "57014" => Failure::Unavailable,
        code if ["53", "08"].contains(&&code[..2]) || code.starts_with("57P0") || code.starts_with("58") => {
            Failure::Unavailable
        }
        code if ["22", "23", "54"].contains(&&code[..2]) => Failure::Data,
        // The server found a page or an index damaged.
        "XX001" | "XX002" => Failure::Content,
        _ => Failure::Other,
    }
}

// By hand, because the driver's error must not be the `source` of ours: its text would be printed after `describe`, and it
// holds the detail line.
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

/// The text of a database error without its detail line, which may hold customers' values.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("PostgreSQL answered {} {}: {}", db.severity(), db.code().code(), db.message()),
        None => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}
