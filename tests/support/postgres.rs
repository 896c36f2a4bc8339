//! Databases for tests: one each on the server of the run, or a server of one's own.

use std::{
    fs, mem,
    path::Path,
    sync::{
        LazyLock,
        mpsc::{self, Sender},
    },
};

use sha2::{Digest, Sha256};
use tidegate::{
    domain::clock::SystemClock,
    store::{
        Database,
        managed::{self, Managed, Options, Role, guardian},
        partitions, schema,
    },
};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls};

use super::{
    folder::{DATA_DIR, Folder, random_hex},
    shared,
};

/// The advisory lock under which the template is made.
const TEMPLATE_LOCK: i64 = 0x7469_6465;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A database of one test on the shared server, dropped with it.
///
/// The horizon of dead rows is cluster-wide, and so are `fsync = off` and a crash: a test that holds transactions
/// open, tests durability or kills things takes [`private_server`].
#[derive(Debug)]
pub struct TestDatabase {
    /// How to connect, as the superuser.
    pub config: Config,
    /// Its name.
    pub name: String,
}

impl TestDatabase {
    /// One with the schema.
    pub async fn create() -> Self {
        let template = TEMPLATE.get_or_init(template).await;
        Self::make(&format!("template {template}")).await
    }

    /// One with nothing in it.
    pub async fn empty() -> Self {
        Self::make("").await
    }

    /// A connection to it.
    pub async fn client(&self) -> Client {
        connect(&self.config).await
    }

    async fn make(from: &str) -> Self {
        let name = format!("t_{}", random_hex());
        let mut config = shared::server().await;
        connect(&config).await.batch_execute(&format!("create database {name} {from}")).await.unwrap();
        config.dbname(&name);
        Self { config, name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let mut config = self.config.clone();
        config.dbname(managed::DATABASE);
        // A sweeper that is gone leaves it to the end of the run, like one that does not get to it.
        drop(SWEEPER.send((config, mem::take(&mut self.name))));
    }
}

/// Drops databases one after the other, behind the tests. What it has not come to when the process ends goes with the run's server.
///
/// No test waits for it: to drop a database, PostgreSQL waits until each of its sessions takes note, and one that is in the middle of
/// a `COPY` does so only after its client's next message. That client may be in the very runtime that a waiting test would hold up.
static SWEEPER: LazyLock<Sender<(Config, String)>> = LazyLock::new(|| {
    let (send, receive) = mpsc::channel::<(Config, String)>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (config, name) in receive {
            let statement = format!("drop database if exists {name} with (force)");
            let dropped = runtime.block_on(async {
                Ok::<_, anyhow::Error>(try_connect(&config).await?.batch_execute(&statement).await?)
            });
            if let Err(error) = dropped {
                eprintln!("{name} stays until the run ends: {error:#}");
            }
        }
    });
    send
});

/// A server of one test's own. Its data do not outlive it, so `fsync` is off; see [`private_options`].
pub async fn private_server() -> (Managed, Folder) {
    let folder = private_folder().await;
    let server = managed::open(&private_options(&folder), Role::Owner).await.unwrap();
    (server, folder)
}

/// A folder for a server of one test's own.
pub async fn private_folder() -> Folder {
    Folder::below(shared::run_folder().await)
}

/// How a private server is run; set `durability` to `Full` to test what a commit promises.
pub fn private_options(folder: &Folder) -> Options {
    guardian::options(&folder.path().join(DATA_DIR))
}

/// A connection.
pub async fn connect(config: &Config) -> Client {
    try_connect(config).await.unwrap()
}

/// A connection, if the server gives one.
pub async fn try_connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    // Its end is seen by whoever uses the client.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The name of the database that others are copied from; made once for each state of the migrations.
async fn template() -> String {
    let name = format!("template_{}", migrations_hash());
    let mut config = shared::server().await;
    let client = connect(&config).await;
    client.execute("select pg_advisory_lock($1)", &[&TEMPLATE_LOCK]).await.unwrap();
    let known = client.query("select 1 from pg_database where datname = $1", &[&name]).await.unwrap();
    if known.is_empty() {
        // A killed test leaves a half-made one under another name.
        let statements = ["drop database if exists making with (force)", "create database making"];
        for statement in statements {
            client.batch_execute(statement).await.unwrap();
        }
        migrate(config.dbname("making")).await;
        client.batch_execute(&format!("alter database making rename to {name}")).await.unwrap();
    }
    client.execute("select pg_advisory_unlock($1)", &[&TEMPLATE_LOCK]).await.unwrap();
    name
}

/// Brings an empty database to the schema, with partitions for today and the days around it, as a server's start does.
pub async fn migrate(config: &Config) {
    let database = Database::new(config.clone());
    schema::migrate(&database).await.unwrap();
    let now = SystemClock::shared().now();
    partitions::ensure(&connect(config).await, now).await.unwrap();
}

/// The files in `migrations/`, names and contents, as one short text.
fn migrations_hash() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> =
        fs::read_dir(folder).map(|all| all.map(|file| file.unwrap().path()).collect()).unwrap_or_default();
    files.sort();
    let mut hash = Sha256::new();
    for file in files.iter().filter(|file| file.is_file()) {
        hash.update(file.file_name().unwrap().as_encoded_bytes());
        hash.update(fs::read(file).unwrap());
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
