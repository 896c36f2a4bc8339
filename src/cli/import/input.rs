//! Where the bytes come from: a file, one packed by gzip, or standard input.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How much of a file's beginning tells it from another one. Bytes.
const HEAD: u64 = 64 * 1024;

/// How items are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Format {
    /// One JSON object a line.
    Ndjson,
    /// A header, and one item a row.
    Csv,
}

/// What is to be imported.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// None is standard input.
    pub(super) path: Option<PathBuf>,
    pub(super) format: Format,
    /// Whether it is packed by gzip.
    packed: bool,
    /// What tells it from another file; none for standard input.
    pub(super) identity: Option<Identity>,
}

/// What tells a file from another one of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) bytes: u64,
    /// SHA-256 of its first 64 KiB, in hex.
    head: String,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut head = Vec::new();
        file.take(HEAD).read_to_end(&mut head)?;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(&head) {
            // Writing to a text cannot fail.
            let _written = write!(hex, "{byte:02x}");
        }
        Ok(Self { bytes, head: hex })
    }
}

impl Source {
    /// Looks at what the command line names; `-` is standard input.
    ///
    /// # Errors
    /// When the file cannot be read or is none.
    pub(super) fn of(path: &Path, format: Option<Format>) -> anyhow::Result<Self> {
        let name = path.to_string_lossy();
        let packed = has_end(&name, ".gz");
        let plain = if packed { &name[..name.len() - 3] } else { &*name };
        let told = if has_end(plain, ".csv") { Format::Csv } else { Format::Ndjson };
        let format = format.unwrap_or(told);
        if name == "-" {
            return Ok(Self { path: None, format, packed: false, identity: None });
        }
        let is_file = std::fs::metadata(path).with_context(|| format!("cannot read {name}"))?.is_file();
        ensure!(is_file, "{name} is not a file; give one, or - for standard input");
        let identity = Identity::of(path).with_context(|| format!("cannot read {name}"))?;
        Ok(Self { path: Some(path.to_owned()), format, packed, identity: Some(identity) })
    }

    /// A file beside it, or in the working directory for standard input.
    pub(super) fn beside(&self, end: &str) -> PathBuf {
        let mut name = self.path.clone().unwrap_or_else(|| "stdin".into()).into_os_string();
        name.push(end);
        name.into()
    }

    /// Its name, for people.
    pub(super) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "standard input".to_owned(), |path| path.display().to_string())
    }

    /// Begins to read at a place, in unpacked bytes.
    ///
    /// # Errors
    /// When it cannot be read up to there.
    pub(super) fn open(&self, offset: u64) -> io::Result<Input> {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = |source: Box<dyn Read + Send>| Counted { source, taken: taken.clone() };
        let Some(path) = &self.path else {
            return Ok(Input { reader: Box::new(counted(Box::new(io::stdin()))), taken });
        };
        let mut file = File::open(path)?;
        if !self.packed {
            file.seek(SeekFrom::Start(offset))?;
            taken.store(offset, Ordering::Relaxed);
            return Ok(Input { reader: Box::new(counted(Box::new(file))), taken });
        }
        let mut reader = MultiGzDecoder::new(counted(Box::new(file)));
        // There is no way to the middle of it but through its beginning.
        let skipped = io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        if skipped < offset {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before the place to go on at"));
        }
        Ok(Input { reader: Box::new(reader), taken })
    }
}

/// Whether a name ends like this, in whichever case.
fn has_end(name: &str, end: &str) -> bool {
    name.len() > end.len() && name.as_bytes()[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

/// An open source.
pub(super) struct Input {
    pub(super) reader: Box<dyn Read + Send>,
    /// Bytes of the file that were read so far, packed ones where it is packed.
    pub(super) taken: Arc<AtomicU64>,
}

/// Counts what is read.
struct Counted {
    source: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_told_by_the_name() {
        let folder = std::env::temp_dir().join(format!("tidegate-input-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, format, packed) in [
            ("a.csv", Format::Csv, false),
            ("A.CSV.GZ", Format::Csv, true),
            ("a.ndjson", Format::Ndjson, false),
            ("a.json.gz", Format::Ndjson, true),
            ("csv", Format::Ndjson, false),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, "x").unwrap();
            let source = Source::of(&path, None).unwrap();
            assert_eq!((source.format, source.packed), (format, packed), "{name}");
            assert_eq!(source.beside(".progress"), folder.join(format!("{name}.progress")));
        }
        assert!(Source::of(&folder, None).is_err(), "a folder");
        assert!(Source::of(&folder.join("nothing"), None).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(Source::of(Path::new("-"), Some(Format::Csv)).unwrap().format, Format::Csv);
    }
}
