//! The database of a command: the given one, or the private server, started where nobody runs it.

use anyhow::Context;

use crate::{
    auth::Vault,
    config::{Global, Secret},
    domain::{
        clock::{SharedEntropy, SystemEntropy},
        ids::OrganizationUid,
    },
    store::{
        Database, Pool, Role,
        audit::Actor,
        managed::{self, Durability, Managed},
        projects, schema,
    },
};

/// Who made it, in the audit.
pub(super) const ACTOR: Actor<'_> = Actor::local("command line");

/// Where the secret key of that database is; the private server keeps one itself.
pub(super) fn vault(global: &Global) -> anyhow::Result<Vault> {
    // An empty variable is how a compose file passes on what is not set.
    let given = global.secret_key.as_ref().map(Secret::reveal).filter(|text| !text.trim().is_empty());
    match given {
        Some(text) => Ok(Vault::Given(text.parse().context("--secret-key cannot be read")?)),
        None if global.database_url.is_some() => Ok(Vault::Nowhere),
        None => Ok(Vault::in_folder(&global.data_dir)),
    }
}

/// A database, and the private server behind it, where there is one.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) managed: Option<Managed>,
    pub(super) entropy: SharedEntropy,
}

/// Opens the database that the options name; it is not migrated yet.
pub(super) async fn open(global: &Global, role: managed::Role) -> anyhow::Result<Opened> {
    let entropy = SystemEntropy::shared();
    if let Some(url) = &global.database_url {
        // The parser's own error may repeat the text, and the text holds a password.
        let config = url.reveal().parse::<tokio_postgres::Config>().ok();
        let config = config
            .context("--database-url cannot be read; it looks like postgres://user:password@host/database")?;
        let database = Database::new(config);
        database.check(Durability::Full).await.context("the database of --database-url")?;
        return Ok(Opened { database, managed: None, entropy });
    }
    let managed = managed::open(&managed::Options::new(&global.data_dir), role).await?;
    Ok(Opened { database: Database::new(managed.config()), managed: Some(managed), entropy })
}

impl Opened {
    /// Brings the schema up to date, makes the organization where there is none and names it as asked; answers how many
    /// migrations that took.
    pub(super) async fn prepare(&self, organization: Option<&str>) -> anyhow::Result<usize> {
        let applied = schema::migrate(&self.database).await?;
        self.ensure_organization(organization).await?;
        Ok(applied)
    }

    async fn ensure_organization(&self, name: Option<&str>) -> anyhow::Result<()> {
        let client = self.database.connect(Role::Command).await?;
        let uid = OrganizationUid::draw(self.entropy.as_ref())?;
        projects::ensure_organization(&client, uid.as_str(), name).await?;
        Ok(())
    }

    /// Stops the private server if this process started it.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        if let Some(managed) = self.managed {
            managed.stop().await?;
        }
        Ok(())
    }
}

/// Opens the database for a command, does something with one connection, and closes it again whatever came of it.
pub(super) async fn with<T>(
    global: &Global,
    work: impl AsyncFnOnce(&mut tokio_postgres::Client, &SharedEntropy) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    reach(global, async |reached| work(reached.client, reached.entropy).await).await
}

/// What a command reached.
pub(super) struct Reached<'a> {
    database: &'a Database,
    pub(super) client: &'a mut tokio_postgres::Client,
    pub(super) entropy: &'a SharedEntropy,
}

impl Reached<'_> {
    /// A connection that reads the stream.
    pub(super) fn reads(&self) -> anyhow::Result<Pool> {
        Ok(self.database.pool(Role::Read, 1)?)
    }
}

/// The same with what else there is.
pub(super) async fn reach<T>(
    global: &Global,
    work: impl AsyncFnOnce(&mut Reached<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let opened = open(global, managed::Role::Guest).await?;
    let outcome = async {
        // An older schema is not migrated behind anybody's back: an older server may be at work on it.
        schema::prepare(&opened.database).await?;
        opened.ensure_organization(None).await?;
        let mut client = opened.database.connect(Role::Command).await?;
        let (database, client, entropy) = (&opened.database, &mut client, &opened.entropy);
        work(&mut Reached { database, client, entropy }).await
    }
    .await;
    let closed = opened.close().await;
    let value = outcome?;
    closed?;
    Ok(value)
}
