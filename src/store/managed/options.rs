//! What the caller decides about the private server.

use std::{path::PathBuf, time::Duration};

use super::discover::Search;

/// How the private server is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of everything that is kept; made when missing.
    pub data_dir: PathBuf,
    /// How long a start may take without a sign of life; 60 s. Recovery after a crash may take longer.
    pub start_timeout: Duration,
    /// Whether a commit survives a power cut; [`Durability::Full`].
    pub durability: Durability,
    /// Where to look for PostgreSQL's programs; [`Search::system`].
    pub search: Search,
}

impl Options {
    /// The defaults for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            start_timeout: Duration::from_secs(60),
            durability: Durability::Full,
            search: Search::system(),
        }
    }
}

/// What the server promises about commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `fsync` on: what was committed is on disk.
    Full,
    /// `fsync` off, for a server that is thrown away after a test run. A test of durability must not use it.
    ForTests,
}

/// Who asks for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `serve`: has to own the server. Waits for a command that runs it to end; a second one is refused.
    Owner,
    /// A command: joins the running server, or runs it for its own duration.
    Guest,
}
