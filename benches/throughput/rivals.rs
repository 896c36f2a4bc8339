//! The servers that ours is measured against: two plain ones on the same PostgreSQL, and InfluxDB where it is installed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Result, ensure};
use tidegate::store::{Database, Role};
use tokio::process::Command;

use crate::{
    process::{self, Server},
    stand::{Stand, USER},
};

/// The table of the plain servers.
const PLAIN: &str = include_str!("../rivals/plain.sql");

/// Connections that the Node server keeps to PostgreSQL: pg's default is 10.
const NODE_POOL: &str = "16";

/// A plain server on a database of its own.
pub struct Plain {
    /// It.
    pub server: Server,
    /// Its database.
    pub database: Database,
}

impl Plain {
    /// Fastify and pg; `None` where Node or its packages are not installed.
    pub async fn node(stand: &Stand) -> Result<Option<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/rivals/node");
        let Some(node) = found("node").filter(|_| folder.join("node_modules").is_dir()) else {
            return Ok(None);
        };
        let database = plain(stand, "plain_node").await?;
        let mut command = Command::new(node);
        command.arg(folder.join("server.mjs")).env("NODE_ENV", "production");
        command.arg("--host-dir").arg(stand.socket_dir());
        command.args(["--user", USER, "--database", "plain_node", "--pool", NODE_POOL]);
        let server = Server::start("the Node server", command, |command, port| {
            command.args(["--port", &port.to_string()]);
            Ok(())
        })
        .await?;
        Ok(Some(Self { server, database }))
    }

    /// actix and deadpool: this program, called anew.
    pub async fn actix(stand: &Stand) -> Result<Self> {
        let database = plain(stand, "plain_actix").await?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("plain-actix").arg("--socket-dir").arg(stand.socket_dir());
        command.args(["--user", USER, "--database", "plain_actix"]);
        let server = Server::start("the actix server", command, |command, port| {
            command.args(["--port", &port.to_string()]);
            Ok(())
        })
        .await?;
        Ok(Self { server, database })
    }

    /// Removes all that was stored.
    pub async fn empty(&self) -> Result<()> {
        self.database.connect(Role::Migration).await?.batch_execute("truncate event").await?;
        Ok(())
    }
}

async fn plain(stand: &Stand, name: &str) -> Result<Database> {
    let database = Database::new(stand.database(name).await?);
    database.connect(Role::Migration).await?.batch_execute(PLAIN).await?;
    Ok(database)
}

/// InfluxDB 1.x with its defaults, as far as they matter: each write is synced before it is answered.
pub struct Influx {
    /// It.
    pub server: Server,
}

/// The database that lines are written to.
pub const INFLUX_DATABASE: &str = "bench";

impl Influx {
    /// Starts it in a folder of the stand; `None` where it is not installed.
    pub async fn open(stand: &Stand) -> Result<Option<Self>> {
        let Some(program) = found("influxd") else { return Ok(None) };
        let folder = stand.folder().join("influx");
        std::fs::create_dir_all(&folder)?;
        let settings = folder.join("influxdb.conf");
        let mut command = Command::new(program);
        command.args(["run", "-config"]).arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Server::start("InfluxDB", command, |_, port| {
            Ok(std::fs::write(&settings, influx_settings(&folder, port, process::free_port()?))?)
        })
        .await?;
        let influx = Self { server };
        influx.query(&format!("CREATE DATABASE {INFLUX_DATABASE}")).await?;
        Ok(Some(influx))
    }

    /// Removes all that was stored.
    pub async fn empty(&self) -> Result<()> {
        self.query(&format!("DROP DATABASE {INFLUX_DATABASE}")).await?;
        self.query(&format!("CREATE DATABASE {INFLUX_DATABASE}")).await
    }

    /// How many events are stored.
    pub async fn stored(&self) -> Result<u64> {
        let url = format!("http://{}/query?db={INFLUX_DATABASE}", self.server.address);
        let asked = reqwest::Client::new().get(format!("{url}&q=SELECT%20COUNT(event_id)%20FROM%20event"));
        let answer: serde_json::Value = asked.send().await?.error_for_status()?.json().await?;
        Ok(answer.pointer("/results/0/series/0/values/0/1").and_then(serde_json::Value::as_u64).unwrap_or(0))
    }

    async fn query(&self, query: &str) -> Result<()> {
        let url = format!("http://{}/query?q={}", self.server.address, query.replace(' ', "%20"));
        let answer = reqwest::Client::new().post(url).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(
            status.is_success() && !text.contains("error"),
            "InfluxDB answers {status} to {query}: {text}"
        );
        Ok(())
    }
}

/// What is not named here has its default, which the log is spared: it would cost more than the writes.
fn influx_settings(folder: &Path, port: u16, rpc: u16) -> String {
    let folder = folder.display();
    format!(
        r#"reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
wal-fsync-delay = "0s"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
[logging]
level = "error"
"#
    )
}

/// Where a program is.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}
