//! The report beside the input: one line for every row that was not stored, with why.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::domain::rejection::Fault;

/// Appends refused rows to a file, which is not there before the first one.
#[derive(Debug)]
pub(super) struct Report {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    /// Bytes of it that count.
    pub(super) bytes: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    code: &'a str,
    errors: Vec<Error<'a>>,
    text: &'a str,
}

#[derive(Serialize)]
struct Error<'a> {
    field: &'a str,
    pointer: &'a str,
    rule: &'a str,
}

impl Report {
    /// One whose first `bytes` bytes stay; what a broken-off import wrote behind them comes again.
    ///
    /// # Errors
    /// When a file that is there cannot be cut.
    pub(super) fn from(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut report = Self { path: path.to_owned(), file: None, bytes };
        if bytes == 0 {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return Ok(report),
            }
        }
        report.open()?;
        Ok(report)
    }

    fn open(&mut self) -> io::Result<&mut BufWriter<File>> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                // It holds what customers sent.
                let mut file = OpenOptions::new()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .mode(0o600)
                    .open(&self.path)?;
                if file.metadata()?.len() < self.bytes {
                    return Err(io::Error::other("it is shorter than when the import was broken off"));
                }
                file.set_len(self.bytes)?;
                file.seek(SeekFrom::End(0))?;
                BufWriter::new(file)
            }
        };
        Ok(self.file.insert(file))
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(&mut self, line: u64, code: &str, faults: &[Fault], text: &[u8]) -> io::Result<()> {
        let errors = faults
            .iter()
            .map(|fault| Error { field: &fault.field, pointer: &fault.pointer, rule: &fault.rule })
            .collect();
        let mut json =
            serde_json::to_vec(&Line { line, code, errors, text: &String::from_utf8_lossy(text) })?;
        json.push(b'\n');
        self.open()?.write_all(&json)?;
        self.bytes += json.len() as u64;
        Ok(())
    }

    /// Makes what was added durable.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush()?;
        file.get_ref().sync_data()
    }
}
