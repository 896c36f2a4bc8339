//! `tidegate internal …`: what the program starts of itself.

use std::path::PathBuf;

use clap::Subcommand;

use crate::store::managed::guardian;

/// What to be.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// End the tests' PostgreSQL server once nobody uses it.
    GuardPostgres {
        /// Folder of the tests' server.
        folder: PathBuf,
    },
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    let Command::GuardPostgres { folder } = command;
    Ok(tokio::task::spawn_blocking(move || guardian::guard(&folder)).await??)
}
