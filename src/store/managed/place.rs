//! Where the cluster and its socket live: in the data directory, unless PostgreSQL cannot get there.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use super::{
    PORT,
    error::{At, ManagedError},
    options::Durability,
    shelter::Way,
    user::Account,
};

/// Longest path of a socket, in bytes; the kernel's limit is 107 on Linux and 103 on macOS.
const LONGEST_SOCKET: usize = 100;

/// The real folders of one server, links resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The data directory, canonical.
    pub data_dir: PathBuf,
    /// The cluster.
    pub cluster: PathBuf,
    /// The folder of the socket.
    pub sockets: PathBuf,
}

/// The data directory, made if missing, without links. A new one lets others through but not look inside,
/// so that PostgreSQL's user reaches its part of it.
///
/// # Errors
/// [`ManagedError::Io`] when it cannot be made.
pub fn data_dir(path: &Path) -> Result<PathBuf, ManagedError> {
    if !path.exists() {
        fs::create_dir_all(path).at("make the data directory", path)?;
        let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
        set_mode(path, mode)?;
    }
    fs::canonicalize(path).at("resolve the data directory", path)
}

/// Where a running server of this data directory has its socket, if there is one.
pub fn sockets_of(data_dir: &Path) -> Option<PathBuf> {
    fs::canonicalize(data_dir.join("run")).ok()
}

impl Place {
    /// Decides where the server of `data_dir` lives, makes the folders, and leaves links when it is elsewhere.
    /// `harmless` is a command that ends by itself with `--version`, to try the way with.
    ///
    /// # Errors
    /// [`ManagedError::Io`], [`ManagedError::Permission`] when PostgreSQL's user cannot get at the cluster,
    /// [`ManagedError::Lost`] when the cluster's folder is gone.
    pub async fn settle(
        data_dir: &Path,
        account: &Account,
        harmless: &Path,
        durability: Durability,
    ) -> Result<Self, ManagedError> {
        let way = Way { data_dir, account, harmless, durability };
        let (pg, run) = (data_dir.join("pg"), data_dir.join("run"));
        let (cluster, sockets) = match link_target(&pg)? {
            Some(target) => linked(&pg, target, &run)?,
            None if pg.exists() => (pg, way.sockets_for_cluster_here(run)?),
            None => way.fresh(pg, run).await?,
        };
        let place = Self { data_dir: data_dir.into(), cluster, sockets };
        place.furnish(account)?;
        Ok(place)
    }

    /// Makes the folder of the socket and the links; the cluster itself is for `initdb`.
    fn furnish(&self, account: &Account) -> Result<(), ManagedError> {
        fs::create_dir_all(&self.sockets).at("make", &self.sockets)?;
        set_mode(&self.sockets, 0o700)?;
        account.give(&self.sockets)?;
        link(&self.data_dir.join("pg"), &self.cluster)?;
        link(&self.data_dir.join("run"), &self.sockets)
    }
}

/// A cluster that an earlier start put elsewhere.
fn linked(pg: &Path, target: PathBuf, run: &Path) -> Result<(PathBuf, PathBuf), ManagedError> {
    let home = target.parent().unwrap_or(&target);
    if !home.is_dir() {
        return Err(ManagedError::Lost { link: pg.into(), target });
    }
    let sockets = link_target(run)?.unwrap_or_else(|| home.join("run"));
    Ok((target, sockets))
}

/// Whether a socket in this folder has a path the kernel takes.
pub(super) fn fits(sockets: &Path) -> bool {
    sockets.join(format!(".s.PGSQL.{PORT}")).as_os_str().len() <= LONGEST_SOCKET
}

/// Sets the mode of a file or folder.
pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), ManagedError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).at("set the mode of", path)
}

/// Where a link leads; `None` for what is missing or no link.
fn link_target(path: &Path) -> Result<Option<PathBuf>, ManagedError> {
    match fs::read_link(path) {
        Ok(target) => Ok(Some(path.parent().unwrap_or(path).join(target))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => {
            Ok(None)
        }
        Err(error) => Err(error).at("read the link", path),
    }
}

/// Leaves a link at `at` when the folder is elsewhere.
fn link(at: &Path, folder: &Path) -> Result<(), ManagedError> {
    if at == folder || link_target(at)?.as_deref() == Some(folder) {
        return Ok(());
    }
    match fs::symlink_metadata(at) {
        // Left from when the path was shorter: a folder that holds a socket at most.
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(at).at("remove", at)?,
        Ok(_) => fs::remove_file(at).at("remove", at)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).at("look at", at),
    }
    symlink(folder, at).at("leave a link at", at)
}
