//! A data directory of one test: commands run on it, questions to its database, and its end.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::{Client, Config, NoTls};

use crate::folder::{DATA_DIR, Folder};

/// How long anything may take that is waited for, on a slow machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");

/// A data directory in a folder of its own. Dropped, its PostgreSQL is ended and everything is removed.
#[derive(Debug)]
pub struct Home {
    folder: Folder,
}

impl Home {
    /// An empty one; the data directory itself is for the program to make.
    pub fn new() -> Self {
        Self { folder: Folder::below(&std::env::temp_dir()) }
    }

    /// The folder around the data directory, in which commands run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder().join(DATA_DIR)
    }

    /// A call of the program on this data directory.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = bare(PROGRAM, self.folder());
        command.arg("--data-dir").arg(self.data_dir()).args(arguments);
        command
    }

    /// Runs the program to its end.
    pub async fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(self.command(arguments)).await
    }

    /// Runs a line as a person would paste it.
    pub async fn paste(&self, line: &str) -> Ran {
        let mut command = bare("sh", self.folder());
        command.args(["-c", line]);
        Ran::of(command).await
    }

    /// The process number of its PostgreSQL, where one runs.
    pub fn postmaster(&self) -> Option<Pid> {
        postmaster_of(&self.data_dir().join("pg"))
    }

    /// How to reach its PostgreSQL.
    pub fn database(&self) -> Config {
        let mut config = Config::new();
        config.host_path(fs::canonicalize(self.data_dir().join("run")).unwrap());
        config.port(5432).user("tidegate").dbname("tidegate");
        config
    }

    /// A connection to its PostgreSQL.
    pub async fn client(&self) -> Client {
        let (client, connection) = self.database().connect(NoTls).await.unwrap();
        // Its end is seen by whoever uses the client.
        tokio::spawn(async move { drop(connection.await) });
        client
    }

    /// Its whole database as SQL, by the `pg_dump` on the path.
    pub async fn dump(&self) -> String {
        let sockets = fs::canonicalize(self.data_dir().join("run")).unwrap();
        let mut dump = bare("pg_dump", self.folder());
        dump.arg("-h").arg(sockets).args(["-U", "tidegate", "tidegate"]);
        Ran::of(dump).await.ok()
    }

    /// One number, asked of the database.
    pub async fn number(&self, sql: &str) -> i64 {
        self.client().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Some(pid) = self.postmaster() else { return };
        // Reached when a test failed, or has killed the server; its data are thrown away, so at once.
        let _gone = kill_process(pid, Signal::QUIT);
        for _ in 0..200 {
            if self.postmaster().is_none() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The postmaster that runs a cluster now, if one does.
fn postmaster_of(cluster: &Path) -> Option<Pid> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
    if !Path::new("/proc/self/cwd").exists() {
        return rustix::process::test_kill_process(pid).is_ok().then_some(pid);
    }
    let at_work = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (at_work == fs::canonicalize(cluster).ok()?).then_some(pid)
}

/// A command without any setting of ours from the surroundings.
pub fn bare(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("TIDEGATE_") || name.starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A command that ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Runs one to its end.
    pub async fn of(mut command: Command) -> Self {
        let shown = format!("{:?}", command.as_std());
        let output = timeout(PATIENCE, command.output()).await;
        let output = output.unwrap_or_else(|_| panic!("does not end: {shown}")).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it printed; it has to have succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// The one line of JSON that it printed.
    #[track_caller]
    pub fn json(self) -> Value {
        let out = self.ok();
        assert_eq!(out.trim_end().lines().count(), 1, "not one line: {out}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// What it complained of; it has to have failed, with these words, and without a trace of a panic.
    #[track_caller]
    pub fn refused(self, words: &[&str]) -> String {
        assert!(self.code.is_some_and(|code| code != 0), "not refused: {}\n{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing in: {}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self.err
    }
}

/// The members of a JSON object, sorted.
pub fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Waits for a condition; `what` says which one never came.
pub async fn until<F: Future<Output = bool>>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> F,
) {
    let deadline = Instant::now() + patience;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
