//! The file of a backup: whole under its name, or not there.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{DumpError, error::At};

/// Only its owner reads a backup: it holds every contact and the hashes of all keys.
const MODE: u32 = 0o600;

/// A file that is being written as `<name>.part`, which nobody else writes meanwhile. Dropped unfinished, it is removed.
#[derive(Debug)]
pub struct Target {
    file: File,
    part: PathBuf,
    path: PathBuf,
    replace: bool,
    finished: bool,
}

impl Target {
    /// Makes `<path>.part`, or takes over one that a killed backup has left.
    ///
    /// # Errors
    /// [`DumpError::Exists`] where there is something already, unless it may be replaced; [`DumpError::Busy`];
    /// [`DumpError::Io`].
    pub fn open(path: &Path, replace: bool) -> Result<Self, DumpError> {
        let there = fs::symlink_metadata(path);
        if there.as_ref().is_ok_and(|meta| meta.is_dir()) {
            return Err(io::Error::from(io::ErrorKind::IsADirectory)).at("write", path);
        }
        if there.is_ok() && !replace {
            return Err(DumpError::Exists(path.into()));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        // Nobody's link is followed: this may be a folder in which others write.
        let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(MODE).custom_flags(flags);
        let file = options.open(&part).at("write", &part)?;
        is_ours(&file).at("write", &part)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, &part) => {}
            Ok(()) | Err(TryLockError::WouldBlock) => return Err(DumpError::Busy(path.into())),
            Err(TryLockError::Error(source)) => return Err(source).at("lock", &part),
        }
        let emptied = file.set_len(0).and_then(|()| file.set_permissions(fs::Permissions::from_mode(MODE)));
        emptied.at("write", &part)?;
        Ok(Self { file, part, path: path.into(), replace, finished: false })
    }

    /// The file for a program to write into.
    pub(super) fn writer(&self) -> Result<Stdio, DumpError> {
        Ok(self.file.try_clone().at("write", &self.part)?.into())
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len())
    }

    /// Brings the file to the disk and under its name, and answers its size in bytes.
    pub(super) fn finish(mut self) -> Result<u64, DumpError> {
        self.file.sync_all().at("write", &self.part)?;
        if self.replace {
            fs::rename(&self.part, &self.path).at("name", &self.path)?;
        } else {
            self.name_once()?;
        }
        self.finished = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).at("write", folder)?;
        Ok(self.written())
    }

    /// Gives the file its name unless somebody else has taken it meanwhile.
    fn name_once(&self) -> Result<(), DumpError> {
        match fs::hard_link(&self.part, &self.path) {
            Ok(()) => fs::remove_file(&self.part).at("remove", &self.part),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(DumpError::Exists(self.path.clone()))
            }
            // Not every file system has links.
            Err(_) => fs::rename(&self.part, &self.path).at("name", &self.path),
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if let Err(error) = fs::remove_file(&self.part) {
            tracing::warn!(file = %self.part.display(), %error, "an unfinished backup was left behind");
        }
    }
}

/// Refuses a file that somebody else made before us, who could read it whatever its mode, or that has another name.
fn is_ours(file: &File) -> io::Result<()> {
    let meta = file.metadata()?;
    if meta.is_file() && meta.uid() == rustix::process::geteuid().as_raw() && meta.nlink() == 1 {
        return Ok(());
    }
    let what = "it is there already, and is not a file of this user's alone; remove it";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

/// Whether a path still leads to a file: who locked it first may have renamed it since it was opened.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
