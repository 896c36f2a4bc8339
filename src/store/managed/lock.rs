//! Who runs the server, who uses it: locks on files, which the kernel gives back when a process dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::error::{At, ManagedError};

/// How often a lock that is held by another is tried again.
const POLL: Duration = Duration::from_millis(50);

/// A lock on a file, held until dropped.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

/// Whether others may hold the lock too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// One holder.
    Alone,
    /// Any number of holders, and no lone one.
    Shared,
}

impl FileLock {
    /// Takes the lock if nobody is in the way; makes the file when it is missing.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when the file cannot be opened or locked.
    pub fn attempt(path: &Path, hold: Hold) -> Result<Option<Self>, ManagedError> {
        let file = open(path)?;
        let result = match hold {
            Hold::Alone => file.try_lock(),
            Hold::Shared => file.try_lock_shared(),
        };
        match result {
            // A file that was removed while we waited for it guards nothing: the next attempt makes a new one.
            Ok(()) if !same_file(&file, path)? => Ok(None),
            Ok(()) => Ok(Some(Self { file, path: path.into() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(source).at("lock", path),
        }
    }

    /// Takes the lock, trying until `patience` is over; `None` when it was.
    ///
    /// # Errors
    /// As [`FileLock::attempt`].
    pub async fn within(path: &Path, hold: Hold, patience: Duration) -> Result<Option<Self>, ManagedError> {
        let deadline = Instant::now() + patience;
        loop {
            let lock = Self::attempt(path, hold)?;
            if lock.is_some() || Instant::now() >= deadline {
                return Ok(lock);
            }
            sleep(POLL).await;
        }
    }

    /// Waits until nobody else holds the lock, without asking again and again, and gives it back at once.
    ///
    /// # Errors
    /// As [`FileLock::attempt`].
    pub fn wait_until_free(path: &Path) -> Result<(), ManagedError> {
        let file = open(path)?;
        file.lock().at("lock", path)?;
        file.unlock().at("unlock", path)
    }

    /// Writes the holder's process number into the file, for the messages of those who find it locked.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when it cannot be written.
    pub fn sign(&mut self) -> Result<(), ManagedError> {
        let written = self.file.set_len(0).and_then(|()| {
            self.file.rewind()?;
            writeln!(self.file, "{}", std::process::id())
        });
        written.at("write", &self.path)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing would do, but a child between fork and exec shares the file for a moment and with it the lock.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(path = %self.path.display(), %error, "a lock was not given back; closing its file");
        }
    }
}

/// The holder of a lock in words, for messages.
pub fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    match (read, text.trim()) {
        (Err(_), _) | (_, "") => "another tidegate process".into(),
        (Ok(_), pid) => format!("tidegate process {pid}"),
    }
}

fn open(path: &Path) -> Result<File, ManagedError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(ManagedError::Permission {
            path: path.into(),
            reason: "is closed to this user: run as the user who owns the data directory, or as root".into(),
        }),
        opened => opened.at("open", path),
    }
}

fn same_file(file: &File, path: &Path) -> Result<bool, ManagedError> {
    let ours = file.metadata().at("look at", path)?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).at("look at", path),
    }
}
