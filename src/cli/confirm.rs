//! Asking before something is lost.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, ensure};

/// As [`ask`] where there is somebody to ask; without a terminal it goes on.
///
/// # Errors
/// When the answer is another one than `yes`.
pub(super) fn ask_anybody(what: &str, yes: bool) -> anyhow::Result<()> {
    ask(what, yes || !std::io::stdin().is_terminal())
}

/// Goes on when the person at the terminal types `yes`, or when `--yes` was given.
///
/// # Errors
/// When the answer is another one, or when there is nobody to ask and no `--yes`.
pub(super) fn ask(what: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    ensure!(stdin.is_terminal(), "this would {what}; give --yes to do it");
    let mut stderr = std::io::stderr();
    write!(stderr, "This will {what}. Type yes to go on: ").context("nobody can be asked; give --yes")?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    ensure!(answer.trim().eq_ignore_ascii_case("yes"), "nothing was changed");
    Ok(())
}
