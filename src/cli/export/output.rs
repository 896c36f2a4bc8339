//! Where the lines go: standard output, or a file that a later run can go on with.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Seek, SeekFrom, Stdout, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::domain::cursor::Cursor;

/// Bytes that are written at once.
const BUFFER: usize = 256 << 10;
/// Bytes in which the last whole line is looked for first; doubled until it is found.
const TAIL: u64 = 64 << 10;

/// Takes lines, and remembers whether there is still a reader.
pub(super) enum Output {
    Standard(BufWriter<Stdout>),
    File(BufWriter<File>),
}

/// The last line of a file that is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Last {
    pub(super) cursor: String,
    /// Uid, by which a file of another project is known.
    pub(super) datasource: String,
}

impl Output {
    pub(super) fn standard() -> Self {
        Self::Standard(BufWriter::with_capacity(BUFFER, io::stdout()))
    }

    /// Opens a file: a new one, or to go on with one that may be there, cut behind its last whole line. Tells that line.
    ///
    /// # Errors
    /// When the file is there and is not to be gone on with, holds something else, or cannot be written.
    pub(super) fn file(path: &Path, resume: bool) -> anyhow::Result<(Self, Option<Last>)> {
        let shown = path.display();
        let mut options = OpenOptions::new();
        // It holds what customers sent.
        options.read(true).write(true).mode(0o600);
        let opened =
            if resume { options.create(true).open(path) } else { options.create_new(true).open(path) };
        let mut file = match opened {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("{shown} exists already; give --resume to go on behind its last line, or another name")
            }
            opened => opened.with_context(|| format!("cannot write {shown}"))?,
        };
        let (last, end) = tail(&mut file).with_context(|| format!("cannot read {shown}"))?;
        let last = match last {
            Some(line) => {
                let last: Option<Last> = serde_json::from_slice(&line).ok();
                Some(last.with_context(|| format!("the last line of {shown} is no item of the stream"))?)
            }
            None => {
                ensure!(end == 0 || resume, "{shown} is not empty");
                None
            }
        };
        file.set_len(end).and_then(|()| file.seek(SeekFrom::End(0))).context("cannot write the output")?;
        Ok((Self::File(BufWriter::with_capacity(BUFFER, file)), last))
    }

    /// Writes what waits, and makes it durable where it is a file.
    ///
    /// # Errors
    /// As the writer's.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(standard) => standard.flush(),
            Self::File(file) => {
                file.flush()?;
                file.get_ref().sync_all()
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(standard) => standard.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(standard) => standard.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// The last line that has its end, and where that is; what is behind it was being written when the run was ended.
fn tail(file: &mut File) -> io::Result<(Option<Vec<u8>>, u64)> {
    let length = file.metadata()?.len();
    let mut reach = TAIL.min(length);
    loop {
        let begin = length - reach;
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        (&*file).take(reach).read_to_end(&mut bytes)?;
        let end = memchr::memrchr(b'\n', &bytes);
        let before = end.and_then(|end| memchr::memrchr(b'\n', &bytes[..end]));
        match (before, end) {
            (Some(before), Some(end)) => {
                return Ok((Some(bytes[before + 1..end].to_vec()), begin + end as u64 + 1));
            }
            (None, Some(end)) if begin == 0 => return Ok((Some(bytes[..end].to_vec()), end as u64 + 1)),
            _ if begin == 0 => return Ok((None, 0)),
            _ => reach = (reach * 2).min(length),
        }
    }
}

/// Reads a cursor.
///
/// # Errors
/// What is wrong with it.
pub(super) fn cursor(text: &str) -> anyhow::Result<Cursor> {
    Cursor::decode(text).map_err(|error| anyhow::anyhow!("the cursor {text:?} {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_cut_and_the_last_whole_one_is_told() {
        let path = std::env::temp_dir().join(format!("tidegate-output-{}", std::process::id()));
        let long = format!("{{\"cursor\":\"b\",\"datasource\":\"{}\"}}\n", "d".repeat(200_000));
        let first = "{\"cursor\":\"a\",\"datasource\":\"ds\"}\n";
        for (text, wanted, left) in [
            (String::new(), None, 0),
            ("{\"cursor\":".to_owned(), None, 0),
            (first.to_owned(), Some("a"), first.len()),
            (format!("{first}{long}"), Some("b"), first.len() + long.len()),
            (format!("{first}{}", &long[..150_000]), Some("a"), first.len()),
            (format!("{long}{{"), Some("b"), long.len()),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert!(Output::file(&path, false).is_err(), "it is there already");
            let (mut output, last) = Output::file(&path, true).unwrap();
            assert_eq!(last.as_ref().map(|last| last.cursor.as_str()), wanted);
            output.write_all(b"x").unwrap();
            output.finish().unwrap();
            assert_eq!(std::fs::read(&path).unwrap().len(), left + 1);
        }
        std::fs::write(&path, "something else\n").unwrap();
        assert!(Output::file(&path, true).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"something else\n", "it is left as it was");
        std::fs::remove_file(&path).unwrap();
    }
}
