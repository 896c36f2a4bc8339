//! How a connection to PostgreSQL is opened: with a name, with time limits, and only to a server that can keep the promise.

use std::{fmt, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{StoreError, managed::Durability, tls};

/// How long a connection may take to open, a pool to hand one out, and a pooled one to prove itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// What every session works under, whatever the database or the role has as its default: a lot looks again after it lost a claim or
/// waited for a lock, and the fate of a commit is asked for in two statements; both must see what others committed meanwhile.
const ISOLATION: &str = r"-c default_transaction_isolation=read\ committed";

/// What a connection is for; decides its name in `pg_stat_activity` and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Writes lots.
    Lane,
    /// Reads keys, projects and datasources, writes usage and keeps house.
    Meta,
    /// Answers clients' reads.
    Read,
    /// Does what may lag: summaries, tallies, purges.
    Upkeep,
    /// Serves one command of the command line.
    Command,
    /// Applies migrations, indexes closed days and mends what was restored; without a statement limit.
    Migration,
    /// Holds the snapshot of a backup, for as long as that takes.
    Backup,
}

impl Role {
    fn application_name(self) -> &'static str {
        match self {
            Self::Lane => "tidegate-lane",
            Self::Meta => "tidegate-meta",
            Self::Read => "tidegate-read",
            Self::Upkeep => "tidegate-upkeep",
            Self::Command => "tidegate-command",
            Self::Migration => "tidegate-migration",
            Self::Backup => "tidegate-backup",
        }
    }

    /// Settings of the session. Limits in milliseconds.
    fn settings(self) -> &'static str {
        match self {
            Self::Lane => {
                "-c synchronous_commit=on -c statement_timeout=10000 -c lock_timeout=5000 \
                 -c idle_in_transaction_session_timeout=15000 -c plan_cache_mode=force_generic_plan -c jit=off"
            }
            // The planner thinks that a Bloom filter saves no page, and would rather read the whole log. Every read here has
            // an index.
            Self::Read => {
                "-c default_transaction_read_only=on -c statement_timeout=5000 -c lock_timeout=1000 -c jit=off \
                 -c enable_seqscan=off"
            }
            // A lock that is waited for longer than `deadlock_timeout`, one second, makes autovacuum give up its work.
            Self::Upkeep => {
                "-c synchronous_commit=on -c statement_timeout=10000 -c lock_timeout=500 \
                 -c idle_in_transaction_session_timeout=15000 -c jit=off -c enable_seqscan=off"
            }
            Self::Meta | Self::Command => {
                "-c synchronous_commit=on -c statement_timeout=10000 -c lock_timeout=5000 \
                 -c idle_in_transaction_session_timeout=15000"
            }
            Self::Migration => "-c synchronous_commit=on -c statement_timeout=0 -c lock_timeout=0",
            Self::Backup => {
                "-c default_transaction_read_only=on -c statement_timeout=0 -c lock_timeout=0 \
                 -c idle_in_transaction_session_timeout=0 -c jit=off"
            }
        }
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerFacts {
    /// The major version, such as 15.
    pub major: i32,
}

/// One PostgreSQL database and how to reach it. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the configuration itself: it holds the password.
        f.debug_struct("Database").field("name", &self.config.get_dbname()).finish_non_exhaustive()
    }
}

impl Database {
    /// Takes the address of a database. `sslmode=prefer`, the default, encrypts where the server can; `require` also verifies
    /// its certificate against the system's roots.
    pub fn new(mut config: Config) -> Self {
        config.connect_timeout(PATIENCE).keepalives_idle(Duration::from_secs(15));
        config.tcp_user_timeout(Duration::from_secs(20));
        let tls = tls::connector(config.get_ssl_mode());
        Self { config, tls }
    }

    /// The address as it was given, password included.
    pub(super) fn address(&self) -> &Config {
        &self.config
    }

    /// The configuration of a connection for `role`. Its settings come after those of the operator's URL and win: a lane
    /// without `synchronous_commit` could not keep the promise, nor one that sees the database as it was.
    pub(super) fn config(&self, role: Role) -> Config {
        let mut config = self.config.clone();
        let given = config.get_options().map(|options| format!("{options} ")).unwrap_or_default();
        config.options(format!("{given}{ISOLATION} {}", role.settings()));
        config.application_name(role.application_name());
        config
    }

    /// Opens one connection, which lives until the client is dropped.
    ///
    /// # Errors
    /// [`StoreError`] when the server cannot be reached within three seconds or refuses.
    pub async fn connect(&self, role: Role) -> Result<Client, StoreError> {
        let config = self.config(role);
        let attempt = tokio::time::timeout(PATIENCE, config.connect(self.tls.clone()));
        let (client, connection) = attempt.await.map_err(|_| StoreError::TimedOut(PATIENCE))??;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(role = role.application_name(), error = %StoreError::from(error), "connection ended");
            }
        });
        Ok(client)
    }

    /// A pool of at most `size` connections; waiting, making and recycling each give up after three seconds.
    ///
    /// # Errors
    /// [`StoreError::Content`] when the pool's settings contradict each other, which is a defect.
    pub fn pool(&self, role: Role, size: usize) -> Result<Pool, StoreError> {
        let recycle = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config(role), self.tls.clone(), recycle);
        Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| StoreError::Content(error.to_string()))
    }

    /// Makes sure that the server can keep the promise: a supported version, UTF-8, a primary, and `fsync` on.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] names what is wrong and how to change it.
    pub async fn check(&self, durability: Durability) -> Result<ServerFacts, StoreError> {
        let client = self.connect(Role::Command).await?;
        let row = client.query_one(sql!("server_facts"), &[]).await?;
        let version: i32 = row.get(0);
        let (encoding, fsync): (&str, &str) = (row.get(1), row.get(2));
        let unfit = |text: String| Err(StoreError::Unfit(text));
        if version < 150_000 {
            return unfit(format!("PostgreSQL {} is too old: tidegate needs 15 or newer", version / 10_000));
        }
        if encoding != "UTF8" {
            return unfit(format!(
                "the database is encoded in {encoding}: tidegate needs UTF8 \
                 (create database tidegate encoding 'UTF8' template template0)"
            ));
        }
        if fsync != "on" && durability == Durability::Full {
            return unfit(
                "the server runs with fsync=off, so nothing it commits is durable: set fsync=on".into(),
            );
        }
        if row.get(3) {
            return unfit("the server is a standby in recovery: point --database-url at the primary".into());
        }
        Ok(ServerFacts { major: version / 10_000 })
    }
}
