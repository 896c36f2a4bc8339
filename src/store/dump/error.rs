//! What can go wrong with a backup or a restore, each with what to change.

use std::{io, path::PathBuf};

use crate::store::StoreError;

/// Why a backup was not made, or a file not restored.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The programs are not installed, or are older than the server.
    #[error(
        "no pg_dump and pg_restore of PostgreSQL {need} or newer are installed here. Install them:\n  \
         Debian, Ubuntu:  apt-get install postgresql-client-{need}\n  \
         macOS:           brew install postgresql@{need}\n\
         Looked at:\n{looked}"
    )]
    NoTools {
        /// The oldest major version that would do.
        need: u32,
        /// Every folder that was looked at and what was found, one a line.
        looked: String,
    },
    /// The backup would replace a file.
    #[error("{} exists already: choose another name, or pass --force to replace it", .0.display())]
    Exists(PathBuf),
    /// Another backup is writing the same file.
    #[error("another backup is writing {}: wait for it, or choose another name", .0.display())]
    Busy(PathBuf),
    /// There is nothing to back up.
    #[error("the database is empty: there is nothing to back up")]
    Nothing,
    /// The file is no backup, or is damaged.
    #[error("{} is no backup that can be restored: {reason}", file.display())]
    NoArchive {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was made by a newer binary.
    #[error(
        "{} has schema version {found}, but this binary knows versions up to {known}: restore it with a newer tidegate",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version in the file.
        found: i32,
        /// The newest version this binary has.
        known: i32,
    },
    /// The database to restore into holds something.
    #[error(
        "the database is not empty, it holds {relations} tables and other objects: a restore replaces nothing. \
         Restore into a new --data-dir, or into a newly made database with --database-url"
    )]
    NotEmpty {
        /// Tables, sequences, views and functions that were found.
        relations: i64,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// What it complained of.
        said: String,
    },
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for DumpError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Adds to an I/O error what was tried and on which path.
pub(super) trait At<T> {
    /// Names the deed and the path.
    fn at(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, DumpError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, DumpError> {
        self.map_err(|source| DumpError::Io { doing, path: path.into(), source })
    }
}
