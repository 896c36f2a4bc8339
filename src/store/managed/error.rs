//! What can go wrong with the private server, each with what to change.

use std::{io, path::PathBuf, time::Duration};

use super::discover::{NEWEST, OLDEST};

/// Why the private server could not be found, started, joined or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManagedError {
    /// No usable PostgreSQL is installed.
    #[error(
        "no PostgreSQL {OLDEST} to {NEWEST} is installed here. Install one:\n  \
         Debian, Ubuntu:  apt-get install postgresql\n  \
         macOS:           brew install postgresql@17\n  \
         or run one:      docker run -d -p 5432:5432 -e POSTGRES_PASSWORD=tidegate -e POSTGRES_DB=tidegate postgres:17\n                   \
         and pass --database-url postgres://postgres:tidegate@localhost:5432/tidegate\n\
         Looked at:\n{looked}"
    )]
    NoBinaries {
        /// Every folder that was looked at and what was wrong with it, one a line.
        looked: String,
    },
    /// The data were written by a major version that is not installed; only the same major can read them.
    #[error(
        "{} was written by PostgreSQL {need}, and only PostgreSQL {need} can open it: install that version \
         (apt-get install postgresql-{need}, brew install postgresql@{need}), or use another data directory. \
         Found: {have}", cluster.display()
    )]
    WrongVersion {
        /// The folder of the data.
        cluster: PathBuf,
        /// The major version that wrote it.
        need: u32,
        /// The versions that are installed.
        have: String,
    },
    /// Another process owns the data directory.
    #[error(
        "{} is in use by {owner}: stop that process, or give this one another --data-dir",
        data_dir.display()
    )]
    Busy {
        /// The data directory.
        data_dir: PathBuf,
        /// The owner, in words, with its process number when it is known.
        owner: String,
    },
    /// Making the cluster failed.
    #[error("initdb could not make the database: {output}")]
    Initdb {
        /// What `initdb` printed.
        output: String,
    },
    /// The server did not come up.
    #[error("PostgreSQL did not start: {reason}. The end of {}:\n{tail}", log.display())]
    Start {
        /// What was seen.
        reason: String,
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server did not end in time.
    #[error("PostgreSQL (process {pid}) still runs {waited:?} after it was told to stop: look at its log")]
    Stop {
        /// The process that did not end.
        pid: u32,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A file, folder or user account does not allow it.
    #[error("{}: {reason}", path.display())]
    Permission {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to change.
        reason: String,
    },
    /// The data directory points to a folder that no longer exists.
    #[error(
        "{} points to {}, which is gone: put that folder back, or remove the link to start empty",
        link.display(), target.display()
    )]
    Lost {
        /// The link in the data directory.
        link: PathBuf,
        /// The folder that held the data.
        target: PathBuf,
    },
    /// The server answered with an error of its own.
    #[error("the private PostgreSQL refused {doing}")]
    Query {
        /// What was asked.
        doing: &'static str,
        /// Its answer.
        source: tokio_postgres::Error,
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
}

/// Adds to an I/O error what was tried and on which path.
pub(super) trait At<T> {
    /// Names the deed and the path.
    fn at(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, ManagedError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, ManagedError> {
        self.map_err(|source| ManagedError::Io { doing, path: path.into(), source })
    }
}
