//! Where PostgreSQL is installed, and which of several installations to use.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{error::ManagedError, user::Account};

/// The oldest major version that is supported.
pub const OLDEST: u32 = 15;
/// The newest major version that is supported.
pub const NEWEST: u32 = 18;

/// Folders that may hold PostgreSQL's programs.
#[derive(Debug, Clone)]
pub struct Search {
    folders: Vec<PathBuf>,
}

impl Search {
    /// `PATH`, `pg_config --bindir`, and where Debian, Homebrew and the PostgreSQL project's own packages install.
    pub fn system() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> =
            std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
        folders.extend(told_by_pg_config());
        folders.extend(versions("/usr/lib/postgresql", ""));
        folders.extend(versions("/opt/homebrew/opt", "postgresql"));
        folders.extend(versions("/usr/local/opt", "postgresql"));
        folders.extend(versions("/usr", "pgsql-"));
        Self { folders }
    }

    /// The folders, in the order in which they are looked at.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// These folders and no others.
    pub fn only(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect() }
    }
}

fn told_by_pg_config() -> Option<PathBuf> {
    // A machine without pg_config is the ordinary case: the other places are looked at all the same.
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

/// The `bin` folders below the children of `parent` whose names start with `prefix`.
fn versions(parent: &str, prefix: &str) -> Vec<PathBuf> {
    // A parent that does not exist, or is closed to us, holds nothing we could run.
    let Ok(children) = fs::read_dir(parent) else {
        return vec![Path::new(parent).join(format!("{prefix}*/bin"))];
    };
    let named = children.flatten().filter(|child| child.file_name().to_string_lossy().starts_with(prefix));
    named.map(|child| child.path().join("bin")).filter(|bin| bin.is_dir()).collect()
}

/// One installation that can make and run a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder of the programs, links resolved.
    pub folder: PathBuf,
    /// The major version.
    pub major: u32,
}

impl Binaries {
    /// The server.
    pub fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// The maker of clusters.
    pub fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

/// Picks the installation that `account` can run: the newest, or the one that wrote the existing cluster.
///
/// # Errors
/// [`ManagedError::NoBinaries`], or [`ManagedError::WrongVersion`] when none matches the cluster.
pub fn find(search: &Search, account: &Account, cluster: &Path) -> Result<Binaries, ManagedError> {
    let mut looked = String::new();
    let mut found: Vec<Binaries> = Vec::new();
    for folder in &search.folders {
        let verdict = match inspect(folder, account) {
            Ok(one) => {
                let verdict = format!("PostgreSQL {}", one.major);
                if !found.contains(&one) && (OLDEST..=NEWEST).contains(&one.major) {
                    found.push(one);
                }
                verdict
            }
            Err(verdict) => verdict,
        };
        // Writing to a String cannot fail.
        let _ = writeln!(looked, "  {}: {verdict}", folder.display());
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.major));
    let Some(need) = written_by(cluster)? else {
        return found.into_iter().next().ok_or(ManagedError::NoBinaries { looked });
    };
    found.into_iter().find(|one| one.major == need).ok_or_else(|| ManagedError::WrongVersion {
        cluster: cluster.into(),
        need,
        have: format!("(looked for {OLDEST} to {NEWEST})\n{looked}"),
    })
}

/// Looks at one folder; the error says in words why it will not do.
fn inspect(folder: &Path, account: &Account) -> Result<Binaries, String> {
    // PATH may hold links only, and initdb wants its server beside it: go to where the link leads.
    let real = fs::canonicalize(folder.join("postgres")).map_err(|_| "no postgres".to_owned())?;
    let folder = real.parent().unwrap_or(folder);
    if !folder.join("initdb").exists() {
        return Err(format!("postgres but no initdb in {}", folder.display()));
    }
    let mut command = Command::new(&real);
    command.arg("--version").current_dir("/");
    account.dress(&mut command);
    let output = command.output().map_err(|error| format!("PostgreSQL's user cannot run it: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let major = major_in(&text).ok_or_else(|| format!("postgres --version said {text:?}"))?;
    Ok(Binaries { folder: folder.into(), major })
}

/// The major version in a line such as `postgres (PostgreSQL) 15.14 (Debian 15.14-0)` or `… 18beta1`.
pub fn major_in(line: &str) -> Option<u32> {
    let rest = line.split("(PostgreSQL)").nth(1)?.trim_start();
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// The major version that wrote a cluster, if there is one.
fn written_by(cluster: &Path) -> Result<Option<u32>, ManagedError> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| ManagedError::Permission {
            reason: format!("says {text:?}, which is no version: this is not a PostgreSQL cluster"),
            path,
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ManagedError::Io { doing: "read", path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_server_prints() {
        assert_eq!(major_in("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major_in("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_in("bash: postgres"), None);
    }

    #[test]
    fn an_empty_search_says_what_to_install() {
        let search = Search::only([PathBuf::from("/nowhere/bin")]);
        let error = find(&search, &Account::Ours, Path::new("/nowhere/pg")).unwrap_err().to_string();
        for word in ["apt-get install", "brew install", "docker run", "/nowhere/bin: no postgres"] {
            assert!(error.contains(word), "{word:?} is missing in {error}");
        }
    }
}
