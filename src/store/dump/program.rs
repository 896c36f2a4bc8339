//! One of PostgreSQL's programs at work: what it says while it works, and what it complained of when it failed.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::Command,
    time::{MissedTickBehavior, interval},
};

use super::{
    DumpError,
    error::At,
    tools::{Program, Tools},
};

/// How often progress is looked at while the program says nothing.
const LOOK: Duration = Duration::from_millis(200);
/// How many lines of complaint are kept.
const COMPLAINTS: usize = 8;
/// How much a program may print that is read whole, in bytes.
const PRINTED: u64 = 64 << 20;

/// Runs a program to its end. `heard` gets each line it says, without its name, and `None` now and then in between. Dropped, it is
/// killed.
///
/// # Errors
/// [`DumpError::Program`] with what it complained of.
pub(super) async fn run(
    mut command: Command,
    program: Program,
    mut heard: impl FnMut(Option<&str>),
) -> Result<(), DumpError> {
    command.stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().at("start", program.name())?;
    let mut complaints = Complaints::of(program);
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).split(b'\n');
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                line = lines.next_segment() => match line.at("listen to", program.name())? {
                    Some(line) => heard(Some(complaints.note(&String::from_utf8_lossy(&line)))),
                    None => break,
                },
                _ = ticks.tick() => heard(None),
            }
        }
    }
    let status = child.wait().await.at("wait for", program.name())?;
    if status.success() { Ok(()) } else { Err(complaints.failure(status)) }
}

/// Runs a program to its end and answers what it printed.
///
/// # Errors
/// As [`run`].
pub(super) async fn output(
    tools: &Tools,
    mut command: Command,
    program: Program,
) -> Result<String, DumpError> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().at("start", tools.path(program))?;
    let (out, err) = tokio::join!(read(child.stdout.take()), read(child.stderr.take()));
    let status = child.wait().await.at("wait for", program.name())?;
    let mut complaints = Complaints::of(program);
    for line in err.at("listen to", program.name())?.lines() {
        complaints.note(line);
    }
    if status.success() { out.at("read from", program.name()) } else { Err(complaints.failure(status)) }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(PRINTED).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The errors among what a program says. Only lines of its own: the database's details may hold customers' values.
struct Complaints {
    program: Program,
    lines: Vec<String>,
}

impl Complaints {
    fn of(program: Program) -> Self {
        Self { program, lines: Vec::new() }
    }

    /// Keeps a line that complains, and answers it without the program's name.
    fn note<'l>(&mut self, line: &'l str) -> &'l str {
        let prefix = line.strip_prefix(self.program.name()).and_then(|rest| rest.strip_prefix(": "));
        let text = prefix.unwrap_or(line).trim_end();
        let complaint = text.strip_prefix("error: ").or_else(|| text.strip_prefix("hint: "));
        if let Some(complaint) = complaint.filter(|_| prefix.is_some() && self.lines.len() < COMPLAINTS) {
            self.lines.push(complaint.to_owned());
        }
        text
    }

    fn failure(self, status: std::process::ExitStatus) -> DumpError {
        let said = if self.lines.is_empty() { status.to_string() } else { self.lines.join("; ") };
        DumpError::Program { program: self.program.name(), said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_kept_and_details_are_not() {
        let mut complaints = Complaints::of(Program::Restore);
        for line in [
            "pg_restore: creating TABLE \"public.lot\"",
            "pg_restore: error: could not execute query: ERROR:  duplicate key",
            "DETAIL:  Key (user_id)=(ada@example.com) already exists.",
        ] {
            complaints.note(line);
        }
        assert_eq!(complaints.lines, ["could not execute query: ERROR:  duplicate key"]);
        assert_eq!(complaints.note("pg_restore: processing data"), "processing data");
    }
}
