//! A running `serve`: started, read line by line, asked, signalled, waited for.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    folder::random_hex,
    home::{Home, PATIENCE, until},
};

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub struct Serve {
    /// `http://127.0.0.1:<port>`, as printed.
    pub base: String,
    /// Where the metrics are, as printed.
    pub metrics: String,
    /// Everything that it printed before it answered.
    pub printed: String,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Serve {
    /// One on a home's data directory, ready for requests.
    pub async fn start(home: &Home) -> Self {
        Self::with(home, &[]).await
    }

    /// One with further options.
    pub async fn with(home: &Home, options: &[&str]) -> Self {
        let mut command = home.command(["serve"]);
        command.args(options);
        Self::of(command, home.folder().join(format!("serve-{}.log", random_hex()))).await
    }

    /// One from a command that lacks its addresses; its log lines go to a file.
    pub async fn of(mut command: Command, log: PathBuf) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (base, metrics, printed) = (String::new(), String::new(), String::new());
        let mut serve = Self { base, metrics, printed, child, lines, log };
        serve.read_introduction().await;
        until("ready", PATIENCE, async || serve.status("/health/ready").await == Some(200)).await;
        serve
    }

    /// Reads up to the last command to paste.
    async fn read_introduction(&mut self) {
        let mut last = String::new();
        loop {
            let next = timeout(PATIENCE, self.lines.next_line()).await;
            let line = next.unwrap_or_else(|_| panic!("it does not go on after {:?}", self.printed)).unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended:\n{}\n{}", self.printed, self.logged()));
            self.printed.push_str(&line);
            self.printed.push('\n');
            if let Some((_, base)) = line.split_once(" listens on ") {
                base.clone_into(&mut self.base);
            }
            if let Some(address) = line.strip_prefix("metrics are on ") {
                address.clone_into(&mut self.metrics);
            }
            let headings = ["A batch with one bad item", "To make a new token", "There is no project yet"];
            if line.starts_with("  ") && headings.iter().any(|heading| last.starts_with(heading)) {
                return;
            }
            last = line;
        }
    }

    /// The printed commands that begin with a word.
    pub fn commands(&self, first: &str) -> Vec<&str> {
        let commands = self.printed.lines().filter_map(|line| line.strip_prefix("  "));
        commands
            .filter(|command| command.split(' ').next().is_some_and(|word| word.ends_with(first)))
            .collect()
    }

    /// The token and the address of the demo's datasource, from the lines to paste.
    pub fn demo(&self) -> (String, String) {
        let probe = self.commands("curl")[0];
        let token = probe.split("Bearer ").nth(1).unwrap().split('\'').next().unwrap();
        let url = probe.rsplit('\'').nth(1).unwrap();
        (token.to_owned(), url.to_owned())
    }

    /// Its log lines so far.
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The status of a `GET` on a connection of its own; `None` when there was no answer.
    pub async fn status(&self, path: &str) -> Option<u16> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        let answer = client.get(format!("{}{path}", self.base)).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// Its process number.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it does not end:\n{}", self.logged())).unwrap()
    }

    /// Ends it in order.
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.ended().await;
        assert!(status.success(), "{status}:\n{}", self.logged());
    }
}
