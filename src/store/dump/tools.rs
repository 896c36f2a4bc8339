//! Where `pg_dump` and `pg_restore` are, which of several to use, and how they are told where the database is.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;
use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};

use super::DumpError;
use crate::store::managed::discover::{OLDEST, Search, major_in};

/// One of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Dump,
    Restore,
}

impl Program {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Dump => "pg_dump",
            Self::Restore => "pg_restore",
        }
    }
}

/// The two programs of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    folder: PathBuf,
    /// The major version.
    pub major: u32,
}

impl Tools {
    /// Those for a server of a major version: the same version where it is installed, else the next newer. `pg_dump` refuses a
    /// newer server, and an older server may not understand a newer `pg_restore`.
    ///
    /// # Errors
    /// [`DumpError::NoTools`] with what to install.
    pub fn for_server(search: &Search, server: u32) -> Result<Self, DumpError> {
        let (all, looked) = installed(search);
        let fit = all.into_iter().find(|one| one.major >= server);
        fit.ok_or(DumpError::NoTools { need: server, looked })
    }

    /// The newest, which reads every file that an older one wrote.
    ///
    /// # Errors
    /// As [`Tools::for_server`].
    pub fn newest(search: &Search) -> Result<Self, DumpError> {
        let (all, looked) = installed(search);
        all.into_iter().next_back().ok_or(DumpError::NoTools { need: OLDEST, looked })
    }

    pub(super) fn path(&self, program: Program) -> PathBuf {
        self.folder.join(program.name())
    }

    /// A call of a program, without any setting from our surroundings but the trusted certificates.
    pub(super) fn command(&self, program: Program) -> Command {
        let mut command = Command::new(self.path(program));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if (text.starts_with("PG") && text != "PGSSLROOTCERT") || text.starts_with("TIDEGATE_") {
                command.env_remove(&name);
            }
        }
        command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// A call of a program that connects to a database. Everything that says where and who goes by the environment: others can
    /// read a command line.
    pub(super) fn connected(&self, program: Program, address: &Config, name: &str) -> Command {
        let mut command = self.command(program);
        command.arg("--no-password").env("PGAPPNAME", name).envs(environment(address));
        command
    }
}

/// The installations that were found, oldest first, and what was seen on the way.
fn installed(search: &Search) -> (Vec<Tools>, String) {
    let (mut found, mut looked) = (Vec::new(), String::new());
    for folder in search.folders() {
        let verdict = match inspect(folder) {
            Ok(one) => {
                let verdict = format!("PostgreSQL {}", one.major);
                if !found.contains(&one) && one.major >= OLDEST {
                    found.push(one);
                }
                verdict
            }
            Err(verdict) => verdict,
        };
        // Writing to a String cannot fail.
        let _infallible = writeln!(looked, "  {}: {verdict}", folder.display());
    }
    found.sort_by_key(|one| one.major);
    (found, looked)
}

/// Looks at one folder; the error says in words why it will not do.
fn inspect(folder: &Path) -> Result<Tools, String> {
    // A link may lead to Debian's wrapper, which chooses a version of its own: go to where the programs themselves are.
    let real = |program: Program| {
        let path = fs::canonicalize(folder.join(program.name())).ok()?;
        path.ends_with(program.name()).then_some(path)
    };
    let (Some(dump), Some(restore)) = (real(Program::Dump), real(Program::Restore)) else {
        return Err("no pg_dump and pg_restore".into());
    };
    if dump.parent() != restore.parent() {
        return Err("pg_dump and pg_restore of different installations".into());
    }
    let output = std::process::Command::new(&dump).arg("--version").current_dir("/").output();
    let output = output.map_err(|error| format!("pg_dump cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let major = major_in(&text).ok_or_else(|| format!("pg_dump --version said {text:?}"))?;
    Ok(Tools { folder: dump.parent().unwrap_or(folder).into(), major })
}

/// An address as libpq takes it from the environment; see
/// <https://www.postgresql.org/docs/current/libpq-envars.html>.
fn environment(address: &Config) -> Vec<(&'static str, OsString)> {
    let mut all: Vec<(&'static str, OsString)> = Vec::new();
    let hosts: Vec<String> = address.get_hosts().iter().map(host).collect();
    let numbers: Vec<String> = address.get_hostaddrs().iter().map(ToString::to_string).collect();
    let ports: Vec<String> = address.get_ports().iter().map(ToString::to_string).collect();
    for (name, list) in [("PGHOST", hosts), ("PGHOSTADDR", numbers), ("PGPORT", ports)] {
        if !list.is_empty() {
            all.push((name, list.join(",").into()));
        }
    }
    let texts = [
        ("PGUSER", address.get_user()),
        ("PGDATABASE", address.get_dbname()),
        ("PGOPTIONS", address.get_options()),
    ];
    all.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text?.into()))));
    if let Some(password) = address.get_password() {
        all.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned().into()));
    }
    if address.get_target_session_attrs() == TargetSessionAttrs::ReadWrite {
        all.push(("PGTARGETSESSIONATTRS", "read-write".into()));
    }
    all.extend(encryption(address.get_ssl_mode()));
    all.push(("PGCONNECT_TIMEOUT", "10".into()));
    all
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    }
}

/// Where systems keep the certificates that they trust.
const ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Our modes in libpq's words. Its own `require` would take any certificate, where ours insists on a good one.
fn encryption(mode: SslMode) -> Vec<(&'static str, OsString)> {
    match mode {
        SslMode::Disable => vec![("PGSSLMODE", "disable".into())],
        SslMode::Prefer => vec![("PGSSLMODE", "prefer".into())],
        _ => {
            let mut all = vec![("PGSSLMODE", "verify-full".into())];
            if std::env::var_os("PGSSLROOTCERT").is_none() {
                let bundle = ROOTS.iter().find(|path| Path::new(path).exists());
                all.push(("PGSSLROOTCERT", bundle.unwrap_or(&"system").into()));
            }
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> Vec<(&'static str, String)> {
        let all = environment(&url.parse().unwrap());
        all.into_iter().map(|(name, value)| (name, value.into_string().unwrap())).collect()
    }

    #[test]
    fn an_address_is_told_whole() {
        let all = told("postgres://ann:s3cret%40@db.example:6432/shop?sslmode=disable&options=-cx%3D1");
        for pair in [
            ("PGHOST", "db.example"),
            ("PGPORT", "6432"),
            ("PGUSER", "ann"),
            ("PGPASSWORD", "s3cret@"),
            ("PGDATABASE", "shop"),
            ("PGOPTIONS", "-cx=1"),
            ("PGSSLMODE", "disable"),
        ] {
            assert!(all.contains(&(pair.0, pair.1.to_owned())), "{pair:?} is missing in {all:?}");
        }
        let socket = told("postgres://u@%2Fvar%2Frun/d");
        assert!(
            socket.contains(&("PGHOST", "/var/run".into()))
                && !socket.iter().any(|one| one.0 == "PGPASSWORD")
        );
    }

    #[test]
    fn encryption_that_is_required_is_verified() {
        let all = told("postgres://u@h/d?sslmode=require");
        assert!(all.contains(&("PGSSLMODE", "verify-full".into())), "{all:?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let search = Search::only([PathBuf::from("/nowhere/bin")]);
        let said = Tools::for_server(&search, 17).unwrap_err().to_string();
        for word in ["PostgreSQL 17 or newer", "postgresql-client-17", "/nowhere/bin: no pg_dump"] {
            assert!(said.contains(word), "{word:?} is missing in {said}");
        }
    }

    #[test]
    fn no_installation_is_new_enough_for_a_server_to_come() {
        let search = Search::system();
        let newest = Tools::newest(&search).unwrap();
        assert_eq!(Tools::for_server(&search, newest.major).unwrap(), newest);
        assert!(matches!(Tools::for_server(&search, 999), Err(DumpError::NoTools { need: 999, .. })));
    }
}
