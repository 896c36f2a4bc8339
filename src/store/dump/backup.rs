//! Making a backup of a database that others go on using.

use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::{BACKUP, DumpError, Holdings, Progress, Target, Tools, holdings, program, tools::Program};
use crate::store::{
    Database, Role, StoreError,
    schema::{self, Standing},
};

/// A backup that is on the disk.
#[derive(Debug, Clone, Copy)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// The schema version of what it holds.
    pub schema_version: i32,
    /// What it holds.
    pub holdings: Holdings,
}

/// Writes everything that is committed now into a file. Pushes go on meanwhile; the one thing that waits is a migration.
///
/// The sessions of a backup read and never write, so they have no transaction id and the order of the stream goes on being
/// settled. What they do hold back is the removal of dead rows.
///
/// # Errors
/// [`DumpError`]; there is no file then.
pub async fn backup(
    database: &Database,
    tools: &Tools,
    target: Target,
    watch: impl FnMut(Progress<'_>),
) -> Result<Backup, DumpError> {
    let mut client = database.connect(Role::Backup).await?;
    schema::keep(&client).await?;
    match schema::standing(&client).await? {
        Standing::Empty => return Err(DumpError::Nothing),
        Standing::Beyond { found } => {
            return Err(StoreError::NewerSchema { found, known: schema::known_version() }.into());
        }
        Standing::Older { .. } | Standing::Current | Standing::Newer { .. } => {}
    }
    let schema_version = schema::version(&client).await?.unwrap_or_default();
    // One snapshot for what is counted and what is dumped. Its transaction is never committed: it writes nothing.
    let tx = snapshot(&mut client).await?;
    let id: String = tx.query_one(sql!("snapshot_export"), &[]).await?.get(0);
    let holdings = holdings(&tx).await?;
    let sizes = Sizes::of(&tx).await?;
    dump(database, tools, &target, &id, sizes, watch).await?;
    drop(tx);
    Ok(Backup { bytes: target.finish()?, schema_version, holdings })
}

async fn snapshot(client: &mut Client) -> Result<Transaction<'_>, tokio_postgres::Error> {
    client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await
}

async fn dump(
    database: &Database,
    tools: &Tools,
    target: &Target,
    snapshot: &str,
    mut sizes: Sizes,
    mut watch: impl FnMut(Progress<'_>),
) -> Result<(), DumpError> {
    let mut command = tools.connected(Program::Dump, database.address(), BACKUP);
    command.args(["--format=custom", "--compress=1", "--verbose", "--no-publications", "--no-subscriptions"]);
    command.arg(format!("--snapshot={snapshot}")).stdout(target.writer()?);
    program::run(command, Program::Dump, |line| {
        if let Some(table) = line.and_then(table_in) {
            sizes.begin(table);
        }
        watch(sizes.progress(target.written()));
    })
    .await?;
    watch(Progress { done: sizes.total, ..sizes.progress(target.written()) });
    Ok(())
}

/// The table in a line such as `dumping contents of table "public.lot"`.
fn table_in(line: &str) -> Option<&str> {
    line.strip_prefix("dumping contents of table \"")?.strip_suffix('"')
}

/// How large each table is, and which are done.
struct Sizes {
    tables: Vec<(String, u64)>,
    total: u64,
    done: u64,
    /// The table at work, and its size.
    current: (String, u64),
}

impl Sizes {
    async fn of(tx: &Transaction<'_>) -> Result<Self, StoreError> {
        let rows = tx.query(sql!("table_sizes"), &[]).await?;
        let size = |row: &tokio_postgres::Row| row.get::<_, i64>(1).unsigned_abs();
        let tables: Vec<(String, u64)> = rows.iter().map(|row| (row.get(0), size(row))).collect();
        let total = tables.iter().map(|(_, size)| size).sum();
        Ok(Self { tables, total, done: 0, current: ("the schema".into(), 0) })
    }

    /// Tables are dumped one after the other: where one begins, the one before is done.
    fn begin(&mut self, table: &str) {
        self.done += self.current.1;
        let size = self.tables.iter().find(|(name, _)| name == table).map_or(0, |(_, size)| *size);
        self.current = (table.to_owned(), size);
    }

    fn progress(&self, written: u64) -> Progress<'_> {
        Progress { done: self.done, total: self.total, step: &self.current.0, written: Some(written) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_counted_as_they_pass() {
        let tables = vec![("public.a".into(), 30), ("public.b".into(), 70)];
        let mut sizes = Sizes { tables, total: 100, done: 0, current: ("the schema".into(), 0) };
        let lines = [
            ("reading schemas", 0),
            ("dumping contents of table \"public.b\"", 0),
            ("dumping contents of table \"public.a\"", 70),
            ("dumping contents of table \"public.unknown\"", 100),
        ];
        for (line, done) in lines {
            if let Some(table) = table_in(line) {
                sizes.begin(table);
            }
            assert_eq!(sizes.done, done, "{line}");
        }
    }
}
