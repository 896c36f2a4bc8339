//! The server's own log, `<data-dir>/pg.log`: bounded, and quoted when the server does not start.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::error::{At, ManagedError};

/// Size above which the log is moved to `pg.log.1`, in bytes.
const LARGEST: u64 = 8 << 20;
/// How much of its end is quoted, in bytes.
const QUOTED: u64 = 4 << 10;

/// The file that the server writes its errors to.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// The log of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self { path: data_dir.join("pg.log") }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for a server to append to, and tells where the new part begins, in bytes.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when it cannot be opened.
    pub fn open(&self) -> Result<(File, u64), ManagedError> {
        self.bound()?;
        let file = OpenOptions::new().create(true).append(true).open(&self.path).at("open", &self.path)?;
        let from = file.metadata().at("look at", &self.path)?.len();
        Ok((file, from))
    }

    /// Moves what was written to `pg.log.1` once it is large. The server goes on appending to the same file.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when it cannot be copied or emptied.
    pub fn bound(&self) -> Result<(), ManagedError> {
        if !fs::metadata(&self.path).is_ok_and(|meta| meta.len() > LARGEST) {
            return Ok(());
        }
        fs::copy(&self.path, self.path.with_extension("log.1")).at("copy", &self.path)?;
        let emptied = OpenOptions::new().write(true).open(&self.path).and_then(|file| file.set_len(0));
        emptied.at("empty", &self.path)
    }

    /// What was written since `from`, at most its last lines.
    pub fn tail(&self, from: u64) -> String {
        let read = || {
            let mut file = File::open(&self.path)?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(from.max(end.saturating_sub(QUOTED)).min(end)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).trim_end().to_owned())
        };
        read().unwrap_or_else(|error| format!("(the log could not be read: {error})"))
    }
}
