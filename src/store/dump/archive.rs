//! A file that is to be restored, looked at before anything is touched.

use std::{
    fs::File,
    io::{Read, Seek},
    path::{Path, PathBuf},
};

use super::{DumpError, Tools, error::At, program, tools::Program};
use crate::store::schema;

/// How every archive of `pg_dump --format=custom` begins.
const MAGIC: &[u8] = b"PGDMP";

/// The table of the migrations, from which the schema version of an archive is read.
const HISTORY: &str = "refinery_schema_history";

/// A backup that this binary can restore, as far as can be told without restoring it.
#[derive(Debug)]
pub struct Archive {
    pub(super) file: File,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The schema version of what it holds.
    pub schema_version: i32,
}

impl Archive {
    /// Opens a file and makes sure that it is a backup, and of no newer schema. `tools` should be the newest there are.
    ///
    /// # Errors
    /// [`DumpError::NoArchive`] with what is wrong with it; [`DumpError::Newer`]; [`DumpError::Io`].
    pub async fn open(path: &Path, tools: &Tools) -> Result<Self, DumpError> {
        let no = |reason: String| DumpError::NoArchive { file: path.into(), reason };
        let mut file = File::open(path).at("read", path)?;
        let meta = file.metadata().at("read", path)?;
        if !meta.is_file() {
            return Err(no("it is no file".into()));
        }
        let mut start = Vec::new();
        (&mut file).take(MAGIC.len() as u64).read_to_end(&mut start).at("read", path)?;
        if start != MAGIC {
            return Err(no(
                "it does not begin as `tidegate backup` and pg_dump --format=custom write it".into()
            ));
        }
        let wrong = |error| match error {
            DumpError::Program { program, said } => no(format!("{program} says: {said}")),
            other => other,
        };
        let contents = ask(&file, path, tools, &["--list"]).await.map_err(wrong)?;
        if ![HISTORY, "lot", "event"].iter().all(|table| lists(&contents, table)) {
            return Err(no("it is a dump of another database than tidegate's".into()));
        }
        let table = format!("--table={HISTORY}");
        let rows = ask(&file, path, tools, &["--data-only", &table, "--file=-"]).await.map_err(wrong)?;
        let found =
            newest_in(&rows).ok_or_else(|| no("it does not say which schema version it has".into()))?;
        let known = schema::known_version();
        if found > known {
            return Err(DumpError::Newer { file: path.into(), found, known });
        }
        file.rewind().at("read", path)?;
        Ok(Self { file, path: path.into(), bytes: meta.len(), schema_version: found })
    }
}

/// What `pg_restore` prints of an archive.
async fn ask(mut file: &File, path: &Path, tools: &Tools, options: &[&str]) -> Result<String, DumpError> {
    file.rewind().at("read", path)?;
    let mut command = tools.command(Program::Restore);
    command.args(options).stdin(file.try_clone().at("read", path)?);
    program::output(tools, command, Program::Restore).await
}

/// Whether the table of contents names a table, as in `201; 1259 16389 TABLE public lot tidegate`.
fn lists(contents: &str, table: &str) -> bool {
    contents.lines().any(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words.windows(3).any(|words| words[0] == "TABLE" && words[1] != "DATA" && words[2] == table)
    })
}

/// The newest version among the rows of the history, written as `COPY` writes them.
fn newest_in(rows: &str) -> Option<i32> {
    let mut lines = rows.lines();
    let head = lines.find_map(|line| line.strip_prefix("COPY "))?;
    let columns = head.split_once('(')?.1.split_once(')')?.0;
    let at = columns.split(", ").position(|column| column == "version")?;
    let versions = lines.take_while(|line| *line != "\\.").map(|line| line.split('\t').nth(at)?.parse().ok());
    versions.collect::<Option<Vec<i32>>>()?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_read_wherever_its_column_is() {
        let rows = "SET x = 0;\n\nCOPY public.refinery_schema_history (name, version) FROM stdin;\n\
                    initial\t1\nspecs\t12\n\\.\n\n-- 99\t99\n";
        assert_eq!(newest_in(rows), Some(12));
        assert_eq!(newest_in("COPY public.h (version) FROM stdin;\n\\.\n"), None);
        assert_eq!(newest_in("COPY public.h (version) FROM stdin;\nx\n\\.\n"), None);
        assert_eq!(newest_in("SET x = 0;\n"), None);
    }

    #[test]
    fn tables_are_found_in_the_list() {
        let contents =
            "; Archive created\n201; 1259 16389 TABLE public lot app\n9; 0 0 TABLE DATA public event app\n";
        assert!(lists(contents, "lot") && !lists(contents, "event") && !lists(contents, "public"));
    }
}
