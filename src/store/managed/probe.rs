//! Asking the server whether it is there.

use std::{error::Error as _, io, path::Path, time::Duration};

use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use super::{DATABASE, PORT, error::ManagedError};

/// How long one question may take; a server under load answers late, a frozen one never.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server said.
#[derive(Debug)]
pub enum Answer {
    /// It works; with its major version.
    Ready(u32),
    /// It lives, and is starting, recovering, stopping or full.
    Busy(String),
    /// It works and lacks our database.
    NoDatabase,
    /// Nobody is there.
    Silent(String),
}

/// How to reach the server whose socket is in `sockets`.
pub fn config(sockets: &Path, database: &str) -> Config {
    let mut config = Config::new();
    config.host_path(sockets).port(PORT).user(DATABASE).dbname(database).connect_timeout(PATIENCE);
    config
}

/// Connects and asks for the version.
pub async fn ask(sockets: &Path) -> Answer {
    match tokio::time::timeout(PATIENCE, version(&config(sockets, DATABASE))).await {
        Err(_) => Answer::Busy(format!("no answer within {PATIENCE:?}")),
        Ok(Ok(version)) => Answer::Ready(version),
        Ok(Err(error)) => match error.code() {
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => Answer::NoDatabase,
            Some(_) => Answer::Busy(said(&error)),
            None => Answer::Silent(said(&error)),
        },
    }
}

/// Makes our database in a new cluster.
///
/// # Errors
/// [`ManagedError::Query`] with the server's answer.
pub async fn create_database(sockets: &Path) -> Result<(), ManagedError> {
    let refused = |source| ManagedError::Query { doing: "to make the database", source };
    let client = connect(&config(sockets, "postgres")).await.map_err(refused)?;
    client.batch_execute(&format!("create database {DATABASE}")).await.map_err(refused)
}

async fn version(config: &Config) -> Result<u32, tokio_postgres::Error> {
    let client = connect(config).await?;
    let row = client.query_one("select current_setting('server_version_num')::int / 10000", &[]).await?;
    row.try_get::<_, i32>(0).map(i32::unsigned_abs)
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // Whoever uses the client sees the same failure as an error of its own.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection that asked for the server's state broke");
        }
    });
    Ok(client)
}

fn said(error: &tokio_postgres::Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return answer.message().to_owned();
    }
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            "its socket is closed to this user: run as the user who started it, or as root".into()
        }
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
