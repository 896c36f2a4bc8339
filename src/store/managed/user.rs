//! As whom PostgreSQL runs: it refuses root, so root lends it another account.

use std::{
    fs, io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

use rustix::process::{Gid, Uid};

use super::error::{At, ManagedError};

/// The accounts that root lends, best first.
const LENT: [&str; 2] = ["postgres", "nobody"];

/// The account that `initdb` and `postgres` run under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// Our own.
    Ours,
    /// Another one, because we are root.
    Lent {
        /// Its user number.
        uid: u32,
        /// Its group number.
        gid: u32,
    },
}

impl Account {
    /// Picks the account for a cluster: ours, or as root the cluster's owner, else `postgres`, else `nobody`.
    ///
    /// # Errors
    /// [`ManagedError::Permission`] when the cluster belongs to somebody else or root has no account to lend.
    pub fn choose(cluster: &Path) -> Result<Self, ManagedError> {
        let we = rustix::process::geteuid().as_raw();
        let owner = match fs::metadata(cluster) {
            Ok(meta) => Some((meta.uid(), meta.gid())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).at("look at", cluster),
        };
        match owner {
            Some((uid, _)) if we != 0 && uid != we => Err(ManagedError::Permission {
                path: cluster.into(),
                reason: format!("belongs to user {uid}, and we are user {we}: run as that user, or as root"),
            }),
            _ if we != 0 => Ok(Self::Ours),
            Some((uid, gid)) if uid != 0 => Ok(Self::Lent { uid, gid }),
            _ => Self::lend(),
        }
    }

    fn lend() -> Result<Self, ManagedError> {
        let path = Path::new("/etc/passwd");
        let table = fs::read_to_string(path).at("read", path)?;
        LENT.iter().find_map(|name| find(&table, name)).ok_or_else(|| ManagedError::Permission {
            path: path.into(),
            reason:
                "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as: \
                     make one (useradd --system postgres), or start us as an ordinary user"
                    .into(),
        })
    }

    /// Makes a command run under this account. The standard library also clears root's supplementary groups
    /// when it changes the user, so nothing of root's is left.
    pub fn dress(&self, command: &mut Command) {
        if let Self::Lent { uid, gid } = *self {
            command.gid(gid).uid(uid);
        }
    }

    /// Gives a file or folder to this account.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when the file system refuses.
    pub fn give(&self, path: &Path) -> Result<(), ManagedError> {
        let Self::Lent { uid, gid } = *self else { return Ok(()) };
        rustix::fs::chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .map_err(io::Error::from)
            .at("give to PostgreSQL's user the folder", path)
    }

    /// Whether this account can enter a folder, found out by entering it with a harmless command.
    ///
    /// # Errors
    /// [`ManagedError::Io`] when it could not be tried.
    pub fn can_enter(&self, folder: &Path, harmless: &Path) -> Result<bool, ManagedError> {
        let mut command = Command::new(harmless);
        command.arg("--version").current_dir(folder);
        self.dress(&mut command);
        match command.output() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error).at("enter, as PostgreSQL's user,", folder),
        }
    }
}

/// Finds a name in the text of `/etc/passwd`; macOS writes the numbers of `nobody` as negative ones.
fn find(table: &str, name: &str) -> Option<Account> {
    let number =
        |text: &str| text.parse::<u32>().ok().or_else(|| Some(text.parse::<i32>().ok()?.cast_unsigned()));
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (found, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        (found == name).then_some(Account::Lent { uid: number(uid)?, gid: number(gid)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_from_the_table() {
        let table = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(find(table, "postgres"), Some(Account::Lent { uid: 101, gid: 104 }));
        assert_eq!(find(table, "nobody"), None);
        let mac = "nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n";
        assert_eq!(find(mac, "nobody"), Some(Account::Lent { uid: u32::MAX - 1, gid: u32::MAX - 1 }));
    }
}
