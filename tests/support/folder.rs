//! Folders of single tests, below the folder of the test run, which goes when the run ends.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tidegate::{
    domain::clock::{Entropy, SystemEntropy},
    store::managed::guardian,
};

/// The data directory of a test's own server, inside its folder; short, because a socket's path has to be.
pub const DATA_DIR: &str = "d";

/// A folder that is removed when the test is over.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one below `parent`, open for PostgreSQL's user to pass through.
    pub fn below(parent: &Path) -> Self {
        let path = parent.join(format!("p-{}", random_hex()));
        fs::create_dir_all(&path).unwrap();
        chmod(&path, 0o711);
        Self { path }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A server that is still on its way out may write meanwhile; the end of the run removes the rest.
        let _ = guardian::discard(&self.path.join(DATA_DIR));
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Sets the mode of a folder.
pub fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Ten random hexadecimal digits.
pub fn random_hex() -> String {
    let mut bytes = [0u8; 5];
    SystemEntropy.fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
