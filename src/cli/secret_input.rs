//! Passwords from the terminal, without echo, or from standard input.

use std::io::{IsTerminal, Read, Write};

use anyhow::{Context, bail, ensure};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};

use crate::auth::password::Password;

/// Longest line that is read, in bytes: what a password can take, four for each character.
const LONGEST: usize = 4 * *crate::auth::password::CHARACTERS.end();

/// What ctrl-C types.
const INTERRUPT: u8 = 3;

/// Reads the first line of standard input as a password.
///
/// # Errors
/// The rule that it breaks, or that there is none.
pub(super) fn from_stdin() -> anyhow::Result<Password> {
    password(line(&mut std::io::stdin().lock())?)
}

/// Asks for a password twice.
///
/// # Errors
/// When there is no terminal, the two differ, or a rule is broken.
pub(super) fn from_terminal() -> anyhow::Result<Password> {
    let stdin = std::io::stdin();
    ensure!(
        stdin.is_terminal(),
        "there is no terminal to ask at; pipe the password in and give --password-stdin"
    );
    let silence = Silence::fall()?;
    let first = asked("Password: ")?;
    let again = asked("Again: ")?;
    drop(silence);
    ensure!(first.expose_secret() == again.expose_secret(), "the two passwords differ; nothing was changed");
    password(first)
}

fn password(text: SecretString) -> anyhow::Result<Password> {
    Password::new(text.expose_secret().to_owned()).map_err(anyhow::Error::msg)
}

fn asked(question: &str) -> anyhow::Result<SecretString> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{question}").and_then(|()| stderr.flush()).context("nobody can be asked")?;
    let answer = line(&mut std::io::stdin().lock());
    // The line feed that was typed is not shown either.
    writeln!(stderr).context("nobody can be asked")?;
    answer
}

/// One line, without its end.
fn line(input: &mut impl Read) -> anyhow::Result<SecretString> {
    let mut bytes = Vec::with_capacity(LONGEST);
    let mut byte = [0];
    while input.read(&mut byte)? > 0 && byte[0] != b'\n' {
        ensure!(byte[0] != INTERRUPT, "nothing was changed");
        ensure!(bytes.len() < LONGEST, "a password has at most {LONGEST} bytes");
        bytes.push(byte[0]);
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => bail!("a password must be UTF-8 text"),
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silence(Termios);

impl Silence {
    fn fall() -> anyhow::Result<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin).context("the terminal cannot be asked how it is set")?;
        let mut silent = before.clone();
        // Interrupted by a signal, the process would leave the terminal silent; so ctrl-C ends the line instead.
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(&stdin, OptionalActions::Flush, &silent).context("the terminal cannot be kept silent")?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // Where this fails the terminal is gone.
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let read = line(&mut text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(read.expose_secret().to_owned())
    }

    #[test]
    fn the_first_line_counts_without_its_end() {
        assert_eq!(read("one two \r\nthree"), Ok("one two ".into()));
        assert_eq!(read("no end"), Ok("no end".into()));
        assert_eq!(read(""), Ok(String::new()));
        assert_eq!(read("on\u{3}"), Err("nothing was changed".into()));
        assert!(read(&"x".repeat(LONGEST + 1)).is_err());
        assert!(line(&mut &b"\xff\n"[..]).is_err());
    }
}
