//! `tidegate migrate`

use super::{opened, print};
use crate::{
    config::Global,
    store::{Role, managed, schema},
};

/// How to migrate.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Name of the organization. Default: the one it has, at first Tidegate.
    #[arg(long, env = "TIDEGATE_ORGANIZATION_NAME", value_name = "NAME")]
    organization_name: Option<String>,
}

pub(super) async fn run(global: &Global, options: Options) -> anyhow::Result<()> {
    let opened = opened::open(global, managed::Role::Guest).await?;
    let migrated = async {
        let applied = opened.prepare(options.organization_name.as_deref()).await?;
        let version = schema::version(&opened.database.connect(Role::Command).await?).await?;
        anyhow::Ok((applied, version.unwrap_or_default()))
    }
    .await;
    let closed = opened.close().await;
    let (applied, version) = migrated?;
    closed?;
    match applied {
        0 => print::line(format!("the schema is at version {version} already")),
        _ => print::line(format!("applied {applied} migration(s); the schema is at version {version}")),
    }
    Ok(())
}
