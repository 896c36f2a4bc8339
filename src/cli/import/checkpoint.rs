//! How far an import is, kept beside the input: everything before it is durable, so that another run can go on there.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::{
    Kind,
    chunk::Mark,
    counts::Counts,
    input::{Format, Identity},
};

/// How the file is written; another one is not read.
const VERSION: u32 = 1;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Progress {
    version: u32,
    /// Of which input.
    file: Identity,
    /// Into which datasource.
    datasource: String,
    format: Format,
    /// What was asked for.
    kind: Option<Kind>,
    /// What rows are that do not say it themselves.
    plain: Option<Kind>,
    /// Unpacked bytes before the next row.
    offset: u64,
    /// Lines before the next row.
    lines: u64,
    /// Bytes of the report.
    report_bytes: u64,
    pub(super) counts: Counts,
}

/// The place at which a run goes on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    pub(super) offset: u64,
    pub(super) lines: u64,
    pub(super) plain: Option<Kind>,
    pub(super) report_bytes: u64,
    pub(super) counts: Counts,
}

/// The file beside the input. Standard input has none.
#[derive(Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    progress: Progress,
}

/// What an import is, apart from how far it is.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) file: Identity,
    pub(super) datasource: String,
    pub(super) format: Format,
    pub(super) kind: Option<Kind>,
}

impl Checkpoint {
    /// Begins one, or goes on from what is there.
    ///
    /// # Errors
    /// When there is one of a broken-off import and this is not to go on, or when it is of something else.
    pub(super) fn open(path: PathBuf, subject: Subject, resume: bool) -> anyhow::Result<(Self, Start)> {
        let shown = path.display();
        let before = match fs::read(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
        };
        let Subject { file, datasource, format, kind } = subject;
        let fresh = Progress {
            version: VERSION,
            file,
            datasource,
            format,
            kind,
            plain: None,
            offset: 0,
            lines: 0,
            report_bytes: 0,
            counts: Counts::default(),
        };
        let Some(before) = before else {
            let new = Self { path, progress: fresh };
            new.write()?;
            return Ok((new, Start::default()));
        };
        ensure!(
            resume,
            "an import of this file was broken off: go on with --resume, or remove {shown} to begin at its beginning"
        );
        let old: Progress = serde_json::from_slice(&before).with_context(|| {
            format!("{shown} cannot be read; remove it to begin at the beginning, which stores nothing twice")
        })?;
        ensure!(old.version == VERSION, "{shown} was written by another version of this program");
        ensure!(old.file == fresh.file, "{shown} is of another file than the one that is there now");
        let same = (&old.datasource, old.format, old.kind) == (&fresh.datasource, fresh.format, fresh.kind);
        ensure!(
            same,
            "{shown} is of an import with another --datasource ({}), --format or --kind; repeat what was given then",
            old.datasource
        );
        let Progress { offset, lines, plain, report_bytes, counts, .. } = old;
        Ok((Self { path, progress: old }, Start { offset, lines, plain, report_bytes, counts }))
    }

    /// Keeps a place up to which everything is durable, the report included.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(&mut self, mark: Mark, report_bytes: u64, counts: Counts) -> anyhow::Result<()> {
        let progress = &mut self.progress;
        (progress.offset, progress.lines, progress.plain) = (mark.offset, mark.lines, mark.plain);
        (progress.report_bytes, progress.counts) = (report_bytes, counts);
        self.write()
    }

    /// Writes it apart and renames it, so that no half of it is ever there.
    fn write(&self) -> anyhow::Result<()> {
        let mut part = self.path.clone().into_os_string();
        part.push(".part");
        let part = Path::new(&part);
        let write = || {
            let mut file = File::create(part)?;
            file.write_all(&serde_json::to_vec(&self.progress)?)?;
            file.sync_data()?;
            fs::rename(part, &self.path)
        };
        write().with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Removes it: there is nothing to go on with.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn done(self) -> anyhow::Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }
}
