//! The client scripts: where they lie, what they are told, and how they are run.

use std::{
    path::{Path, PathBuf},
    process::{Command as Probe, Stdio},
    sync::OnceLock,
};

use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{ChildStdin, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    folder::Folder,
    home::{PATIENCE, Ran, bare},
    support::{
        house::{Inlet, TestHouse},
        shared,
    },
};

/// What the scripts are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Curl,
    Python,
    JavaScript,
}

impl Language {
    /// Where the script of a task, such as `push-events`, lies.
    pub fn script(self, task: &str) -> PathBuf {
        let file = match self {
            Self::Curl => format!("curl/{task}.sh"),
            Self::Python => format!("python/{}.py", task.replace('-', "_")),
            Self::JavaScript => format!("javascript/{task}.mjs"),
        };
        folder().join(file)
    }
}

/// `docs/clients/`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients")
}

/// What a script is told by its environment.
#[derive(Debug, Clone)]
pub struct Access {
    /// Where the server is, `http://127.0.0.1:<port>`.
    pub url: String,
    pub project: String,
    pub datasource: String,
    pub token: String,
    /// Further variables.
    pub more: Vec<(&'static str, String)>,
}

impl Access {
    /// To a datasource of a house.
    pub fn to(house: &TestHouse, inlet: &Inlet) -> Self {
        let Inlet { project, datasource, token, .. } = inlet.clone();
        Self { url: house.base.clone(), project, datasource, token, more: Vec::new() }
    }

    /// The same by another address.
    pub fn by(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same with a further variable.
    pub fn with(&self, name: &'static str, value: impl ToString) -> Self {
        let mut access = self.clone();
        access.more.push((name, value.to_string()));
        access
    }

    /// A call of a script; it has to be able to run.
    pub fn command(&self, language: Language, task: &str, argument: Option<&str>) -> Command {
        require_tools();
        let mut command = bare(language.script(task), &std::env::temp_dir());
        command.args(argument);
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command.env("TIDEGATE_URL", &self.url);
        command.env("TIDEGATE_PROJECT", &self.project).env("TIDEGATE_DATASOURCE", &self.datasource);
        command.env("TIDEGATE_TOKEN", &self.token);
        command.envs(self.more.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a script to its end. Whatever came of it, the token is not shown.
    pub async fn run(&self, language: Language, task: &str, argument: Option<&str>) -> Ran {
        let ran = Ran::of(self.command(language, task, argument)).await;
        assert!(!format!("{ran:?}").contains(&self.token), "the token is shown: {ran:?}");
        ran
    }
}

/// A script that is fed line by line. What it prints is read all along, for a full pipe would stop it.
pub struct Fed {
    lines: ChildStdin,
    running: JoinHandle<Ran>,
}

impl Fed {
    /// Starts a call; it reads what it is fed when its argument is `/dev/stdin`.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = child.stdin.take().unwrap();
        let running = tokio::spawn(async move {
            let output = child.wait_with_output().await.unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
        });
        Self { lines, running }
    }

    /// Feeds it values, one a line.
    pub async fn feed(&mut self, values: &[Value]) {
        self.lines.write_all(lines(values).as_bytes()).await.unwrap();
    }

    /// Feeds it no more, and waits for its end.
    pub async fn ended(self) -> Ran {
        drop(self.lines);
        timeout(PATIENCE, self.running).await.expect("it ends").unwrap()
    }
}

/// Values as JSON, one a line.
fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

/// A file for a script to read; goes with its folder.
pub struct Input {
    path: String,
    _folder: Folder,
}

impl Input {
    /// One with this text.
    pub async fn of(text: &str) -> Self {
        let folder = Folder::below(shared::run_folder().await);
        let path = folder.path().join("input");
        std::fs::write(&path, text).unwrap();
        Self { path: path.display().to_string(), _folder: folder }
    }

    /// One with these values, one a line.
    pub async fn of_lines(values: &[Value]) -> Self {
        Self::of(&lines(values)).await
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// What a script printed about each item: outcome, name and reason, in order.
pub fn told(ran: &Ran) -> Vec<[&str; 3]> {
    ran.out
        .lines()
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            columns.try_into().unwrap_or_else(|columns| panic!("not three columns: {columns:?} in {ran:?}"))
        })
        .collect()
}

/// Fails with what to install where something is missing.
fn require_tools() {
    static CHECKED: OnceLock<()> = OnceLock::new();
    CHECKED.get_or_init(|| {
        let tools = [
            ("bash", "bash", vec!["--version"]),
            ("curl", "curl", vec!["--version"]),
            ("jq", "jq", vec!["--version"]),
            ("ps", "ps (package procps)", vec!["-A"]),
            (
                "python3",
                "Python 3.9 or newer",
                vec!["-c", "import sys; sys.exit(0 if sys.version_info >= (3, 9) else sys.version)"],
            ),
            (
                "node",
                "Node.js 18 or newer",
                vec!["-e", "process.exitCode = parseInt(process.versions.node) >= 18 ? 0 : 1"],
            ),
        ];
        for (program, what, arguments) in tools {
            let ran = Probe::new(program).args(arguments).output();
            assert!(
                ran.as_ref().is_ok_and(|ran| ran.status.success()),
                "the clients of docs/clients cannot be run without {what} ({program}: {ran:?}); install it \
                 (Debian: apt-get install curl jq procps python3 nodejs), or leave the feature `clients` off"
            );
        }
    });
}
