//! Where a server goes that cannot live in its data directory.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    error::{At, ManagedError},
    options::Durability,
    place::{fits, set_mode},
    process,
    user::Account,
};

/// What the choice of a place depends on.
pub struct Way<'a> {
    /// The data directory, canonical.
    pub data_dir: &'a Path,
    /// As whom PostgreSQL runs.
    pub account: &'a Account,
    /// A command that ends by itself with `--version`.
    pub harmless: &'a Path,
    /// Whether the data are to last.
    pub durability: Durability,
}

impl Way<'_> {
    /// The socket of a cluster that is in the data directory and stays there.
    ///
    /// # Errors
    /// [`ManagedError::Permission`] when its user cannot get there, or nowhere is a short enough path.
    pub fn sockets_for_cluster_here(&self, run: PathBuf) -> Result<PathBuf, ManagedError> {
        if !self.account.can_enter(self.data_dir, self.harmless)? {
            return Err(self.closed());
        }
        if fits(&run) {
            return Ok(run);
        }
        let mut roots = lasting_roots(self.durability);
        roots.push(temporary_root());
        self.shelter(&roots).map(|home| home.join("run")).ok_or_else(|| self.closed())
    }

    /// Both folders of a cluster that does not exist yet.
    ///
    /// # Errors
    /// As above, and [`ManagedError::Stop`] when a server of a removed data directory does not end.
    pub async fn fresh(&self, pg: PathBuf, run: PathBuf) -> Result<(PathBuf, PathBuf), ManagedError> {
        let reached = self.account.can_enter(self.data_dir, self.harmless)?;
        if reached && fits(&run) {
            return Ok((pg, run));
        }
        if let Some(home) = self.shelter(&lasting_roots(self.durability)) {
            set_aside(&home, self.account).await?;
            return Ok((home.join("pg"), home.join("run")));
        }
        // Data in the temp folder would not outlive a clean-up; a socket there is made anew at each start.
        let sockets = self.sockets_for_cluster_here(run)?;
        Ok((pg, sockets))
    }

    /// The first of some folders where a home for this data directory can be made and is short and open enough.
    fn shelter(&self, roots: &[PathBuf]) -> Option<PathBuf> {
        let hash = Sha256::digest(self.data_dir.as_os_str().as_bytes());
        let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        roots.iter().find_map(|root| {
            let home = root.join(&name);
            let made = make_home(root, &home).and_then(|()| self.account.can_enter(&home, self.harmless));
            match made {
                Ok(open) => (open && fits(&home.join("run"))).then_some(home),
                Err(error) => {
                    tracing::debug!(folder = %home.display(), %error, "not usable for the managed server");
                    None
                }
            }
        })
    }

    fn closed(&self) -> ManagedError {
        ManagedError::Permission {
            path: self.data_dir.into(),
            reason: "PostgreSQL's user cannot get there, or its socket's path is longer than 100 bytes, and no \
                     other folder could be made for it: use a shorter --data-dir that other users may pass through \
                     (chmod o+x on each folder above it)"
                .into(),
        }
    }
}

/// Folders that keep their contents, best first.
fn lasting_roots(durability: Durability) -> Vec<PathBuf> {
    if durability == Durability::ForTests {
        return vec![temporary_root()];
    }
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    let own = [state, home].into_iter().flatten().map(|folder| folder.join("tidegate"));
    std::iter::once(PathBuf::from("/var/lib/tidegate")).chain(own).collect()
}

fn temporary_root() -> PathBuf {
    std::env::temp_dir().join(format!("tidegate-{}", rustix::process::geteuid().as_raw()))
}

/// Makes a folder of ours below a root of ours; a root that somebody else prepared for us is refused.
fn make_home(root: &Path, home: &Path) -> Result<(), ManagedError> {
    for folder in [root, home] {
        if fs::symlink_metadata(folder).is_err() {
            fs::create_dir_all(folder).at("make", folder)?;
            set_mode(folder, 0o711)?;
        }
        let meta = fs::symlink_metadata(folder).at("look at", folder)?;
        if !meta.is_dir() || meta.uid() != rustix::process::geteuid().as_raw() {
            let reason = "is not a folder of our own".to_owned();
            return Err(ManagedError::Permission { path: folder.into(), reason });
        }
    }
    Ok(())
}

/// Moves away what a data directory that was since removed has left: it is not ours to delete nor to serve.
async fn set_aside(home: &Path, account: &Account) -> Result<(), ManagedError> {
    let cluster = home.join("pg");
    if !cluster.exists() {
        return Ok(());
    }
    process::evict(&cluster).await?;
    let aside = (1..).map(|n| home.with_extension(n.to_string())).find(|path| !path.exists());
    let aside = aside.unwrap_or_else(|| home.with_extension("old"));
    fs::rename(home, &aside).at("move away", home)?;
    tracing::warn!(kept = %aside.display(), ?account, "the data of a removed data directory were set aside");
    fs::create_dir(home).at("make", home)?;
    set_mode(home, 0o711)
}
