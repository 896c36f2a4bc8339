//! The stand that everything is measured on: one private PostgreSQL, `fsync` on, with a database for each server under test.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tidegate::{
    auth::mint,
    domain::{
        budget::Class,
        clock::{SharedClock, SystemClock, SystemEntropy},
        ids::{DatasourceUid, ProjectUid},
        settings::DatasourcePatch,
    },
    store::{
        Database, Role,
        audit::Actor,
        datasources::{self, NewDatasource},
        managed::{self, Managed, Options, guardian},
        partitions, projects, schema,
    },
};
use tokio::process::Command;
use tokio_postgres::{Client, Config};

use crate::process::{self, Server};

/// The user that owns the databases; the managed server knows no other.
pub const USER: &str = managed::DATABASE;

/// Requests per minute that no measurement reaches.
const UNLIMITED: u32 = 1_000_000_000;

/// Not each request: a server that is not ready yet says so in a warning, and is asked until it is.
const LOG: &str = "warn,actix_http=off,tidegate::http::trace=error";

/// Who made things, in the audit.
pub const ACTOR: Actor<'_> = Actor::local("bench");

/// A private PostgreSQL and the folder that everything is in.
pub struct Stand {
    folder: PathBuf,
    data_dir: PathBuf,
    managed: Managed,
    /// Tells the time.
    pub clock: SharedClock,
}

impl Stand {
    /// Makes the server in a new folder below `within`, the system's folder for temporary files when there is none.
    pub async fn open(within: Option<&Path>) -> Result<Self> {
        let within = within.map_or_else(std::env::temp_dir, Path::to_owned);
        let folder = within.join(format!("tidegate-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
        let data_dir = folder.join("d");
        let managed = managed::open(&Options::new(&data_dir), managed::Role::Owner).await?;
        Ok(Self { folder, data_dir, managed, clock: SystemClock::shared() })
    }

    /// Ends the server and removes the folder.
    pub async fn close(self) -> Result<()> {
        self.managed.stop().await?;
        guardian::discard(&self.data_dir)?;
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    /// Where files may be put that go with the stand.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of PostgreSQL's socket.
    pub fn socket_dir(&self) -> &Path {
        self.managed.socket_dir()
    }

    /// PostgreSQL's major version.
    pub fn postgres(&self) -> u32 {
        self.managed.version()
    }

    /// PostgreSQL's first process.
    pub fn postmaster(&self) -> Result<u32> {
        process::postmaster(&self.data_dir.join("pg"))
    }

    /// Makes an empty database.
    pub async fn database(&self, name: &str) -> Result<Config> {
        let client = Database::new(self.managed.config()).connect(Role::Migration).await?;
        client.batch_execute(&format!("create database {name}")).await?;
        let mut config = self.managed.config();
        config.dbname(name);
        Ok(config)
    }

    /// Makes a database with our tables and partitions.
    pub async fn migrated(&self, name: &str) -> Result<Database> {
        let database = Database::new(self.database(name).await?);
        schema::migrate(&database).await?;
        partitions::ensure(&database.connect(Role::Migration).await?, self.clock.now()).await?;
        Ok(database)
    }

    /// Writes what is dirty, so that one measurement does not pay for the one before.
    pub async fn settle(&self) -> Result<()> {
        let client = Database::new(self.managed.config()).connect(Role::Migration).await?;
        client.batch_execute("checkpoint").await?;
        Ok(())
    }
}

/// A running `tidegate serve` on a database of its own.
pub struct House {
    /// Its process.
    pub server: Server,
    /// Its database.
    pub database: Database,
}

/// A datasource, and the credentials to write to it.
#[derive(Debug, Clone)]
pub struct Inlet {
    /// Uid of the project.
    pub project: String,
    /// Uid of the datasource.
    pub datasource: String,
    /// Token of the datasource.
    pub token: String,
}

impl House {
    /// Starts one on a new database.
    pub async fn open(stand: &Stand, name: &str) -> Result<Self> {
        let database = stand.migrated(name).await?;
        let url =
            format!("host={} port={} user={USER} dbname={name}", stand.socket_dir().display(), managed::PORT);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(["serve", "--no-demo", "--log", LOG, "--database-url", &url]);
        command.stdout(Stdio::null()).current_dir(stand.folder());
        let server = Server::start("tidegate serve", command, |command, port| {
            let metrics = process::free_port()?;
            command.args(["--listen", &format!("127.0.0.1:{port}")]);
            command.args(["--metrics-listen", &format!("127.0.0.1:{metrics}")]);
            Ok(())
        })
        .await?;
        let house = Self { server, database };
        house.ready().await?;
        Ok(house)
    }

    /// Waits until it takes work.
    async fn ready(&self) -> Result<()> {
        let url = format!("http://{}/health/ready", self.server.address);
        for _ in 0..600 {
            if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the server is not ready after 30 s")
    }

    /// A connection for whatever the bench itself does.
    pub async fn client(&self) -> Result<Client> {
        Ok(self.database.connect(Role::Migration).await?)
    }

    /// Makes a project whose limits no measurement reaches.
    pub async fn project(&self) -> Result<String> {
        let uid = ProjectUid::draw(&SystemEntropy)?;
        projects::create(&mut self.client().await?, uid.as_str(), "Bench", ACTOR).await?;
        Ok(uid.as_str().to_owned())
    }

    /// Makes datasources in a project, each with a token and without a limit that is met, and waits until they are in force.
    pub async fn inlets(&self, project: &str, many: usize) -> Result<Vec<Inlet>> {
        let mut client = self.client().await?;
        let mut made = Vec::with_capacity(many);
        for _ in 0..many {
            let uid = DatasourceUid::draw(&SystemEntropy)?;
            let new = NewDatasource {
                project,
                uid: uid.as_str(),
                name: "Bench",
                plan: None,
                strict: false,
                default_country: None,
            };
            let token = mint::datasource_with_token(&mut client, &new, &SystemEntropy, ACTOR).await?;
            let token = token.context("the project is there")?;
            let limits = Class::OF_DATASOURCES.map(|class| (class, Some(UNLIMITED))).into();
            let patch = DatasourcePatch { limits, ..Default::default() };
            ensure!(
                datasources::change(&mut client, uid.as_str(), &patch, ACTOR).await?,
                "the datasource is there"
            );
            made.push(Inlet {
                project: project.to_owned(),
                datasource: uid.as_str().to_owned(),
                token: token.text.reveal().to_owned(),
            });
        }
        if let Some(last) = made.last() {
            self.in_force(last, &last.token).await?;
        }
        Ok(made)
    }

    /// Waits until the server knows a token.
    pub async fn in_force(&self, inlet: &Inlet, token: &str) -> Result<()> {
        let url = format!(
            "http://{}/v1/project/{}/datasource/{}/stream",
            self.server.address, inlet.project, inlet.datasource
        );
        let http = reqwest::Client::new();
        for _ in 0..600 {
            if http.get(&url).bearer_auth(token).send().await?.status().is_success() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("a new token is unknown after 30 s")
    }

    /// Removes all that was stored, so that each round meets tables of the same size.
    pub async fn empty(&self) -> Result<()> {
        self.client().await?.batch_execute(EMPTY).await?;
        Ok(())
    }
}

/// Ids of blocks, keys and datasources stay.
const EMPTY: &str = "truncate event, event_key, lot, tally, tally_position, contact, usage_minute, usage_total, rejected_item";
