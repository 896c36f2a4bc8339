//! Where the secret key comes from: what was given, or a file of the private server, made when it is first needed.
//!
//! The file is read anew each time, so that a rotation by another process is in force at once. Whoever writes it holds the turn of
//! `store::sealed`, so that no two processes write it at the same time.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, chown},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::seal::{NoSecretKey, SecretKey, SecretKeys};
use crate::domain::clock::{Entropy, EntropyError};

/// The file of the secret key, in the data directory.
pub const FILE: &str = "secret-key";

/// Where the secret key is.
#[derive(Debug, Clone, Default)]
pub enum Vault {
    /// Nowhere: keys that can be shown again cannot be made.
    #[default]
    Nowhere,
    /// It was given when the process began.
    Given(SecretKeys),
    /// In this file, once it was needed: one key a line, the one that seals first.
    File(Arc<Path>),
}

/// The secret key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is none, and no place to keep one.
    #[error(
        "the server has no secret key, under which keys of this kind are kept: set TIDEGATE_SECRET_KEY, the same on every \
         server, to 32 random bytes such as `openssl rand -base64 32` prints, and start again"
    )]
    Nowhere,
    /// The file holds something else.
    #[error("{path}: {source}", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// How it should look.
        source: NoSecretKey,
    },
    /// The file could not be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl Vault {
    /// The one in a data directory.
    pub fn in_folder(data_dir: &Path) -> Self {
        Self::File(data_dir.join(FILE).into())
    }

    /// Whether a secret key would be there when one is needed.
    pub fn has_room(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// The secret keys at hand; `None` where there are none yet.
    ///
    /// # Errors
    /// [`VaultError`] when the file cannot be read or holds something else.
    pub async fn read(&self) -> Result<Option<SecretKeys>, VaultError> {
        match self {
            Self::Nowhere => Ok(None),
            Self::Given(keys) => Ok(Some(keys.clone())),
            Self::File(path) => read_file(path).await,
        }
    }

    /// The secret keys at hand, or a new one where there are none yet; in a turn of `store::sealed` only.
    ///
    /// # Errors
    /// [`VaultError`] as of [`Vault::read`], when there is no place for one, or when it cannot be written.
    pub async fn read_or_make(&self, entropy: &dyn Entropy) -> Result<SecretKeys, VaultError> {
        match (self.read().await?, self) {
            (Some(keys), _) => Ok(keys),
            (None, Self::File(path)) => {
                let key = SecretKey::draw(entropy)?;
                write_file(path, vec![key.written()]).await?;
                reread(path).await
            }
            (None, _) => Err(VaultError::Nowhere),
        }
    }

    /// Puts a new secret key before those in the file, which still open, or takes them as they were given; under the lock of
    /// `store::sealed` only.
    ///
    /// # Errors
    /// As [`Vault::read_or_make`].
    pub async fn put_new(&self, entropy: &dyn Entropy) -> Result<SecretKeys, VaultError> {
        let Self::File(path) = self else { return self.read_or_make(entropy).await };
        let mut lines = vec![SecretKey::draw(entropy)?.written()];
        lines.extend(self.read().await?.iter().flat_map(SecretKeys::written));
        write_file(path, lines).await?;
        reread(path).await
    }

    /// Leaves nothing in the file but the key that seals, once everything is sealed under it; under the same lock.
    ///
    /// # Errors
    /// As [`Vault::read_or_make`].
    pub async fn drop_old(&self, kept: &SecretKeys) -> Result<(), VaultError> {
        let Self::File(path) = self else { return Ok(()) };
        let seals = kept.written().into_iter().next();
        let mut lines = reread(path).await?.written();
        // Only what stands behind it: should the lock have been lost, what another rotation put before it stays.
        if let Some(place) = lines.iter().position(|line| Some(line) == seals.as_ref()) {
            lines.truncate(place + 1);
        }
        write_file(path, lines).await
    }
}

async fn reread(path: &Path) -> Result<SecretKeys, VaultError> {
    let gone = || VaultError::Io { path: path.into(), source: io::ErrorKind::NotFound.into() };
    read_file(path).await?.ok_or_else(gone)
}

async fn read_file(path: &Path) -> Result<Option<SecretKeys>, VaultError> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => {
            text.parse().map(Some).map_err(|source| VaultError::Malformed { path: path.into(), source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(VaultError::Io { path: path.into(), source }),
    }
}

async fn write_file(path: &Path, lines: Vec<String>) -> Result<(), VaultError> {
    let target = path.to_owned();
    let written = tokio::task::spawn_blocking(move || replace(&target, &lines)).await;
    written
        .map_err(io::Error::other)
        .and_then(|written| written)
        .map_err(|source| VaultError::Io { path: path.into(), source })
}

/// Replaces the file as a whole: whoever reads it, also after a crash, sees the old one or the new one.
fn replace(path: &Path, lines: &[String]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let part = path.with_extension("part");
    // What a crash left may have another mode.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    let owner = fs::metadata(folder)?;
    if rustix::process::geteuid().is_root() && owner.uid() != file.metadata()?.uid() {
        // Made by root for a server that is not: it has to be able to read it.
        chown(&part, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.sync_all()?;
    fs::rename(&part, path)?;
    fs::File::open(folder)?.sync_all()
}
