//! What a start stands on: where, as whom, with which programs.

use std::{path::Path, time::Duration};

use super::{
    discover::{self, Binaries},
    error::ManagedError,
    log::Log,
    options::{Durability, Options},
    place::Place,
    user::Account,
};

/// Everything a start needs to know, settled once.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The folders.
    pub place: Place,
    /// As whom PostgreSQL runs.
    pub account: Account,
    /// Its programs.
    pub binaries: Binaries,
    /// What commits are worth.
    pub durability: Durability,
    /// How long a start may be silent.
    pub start_timeout: Duration,
    /// Where it writes what went wrong.
    pub log: Log,
}

impl Ground {
    /// Settles it for a data directory, whose lock the caller holds.
    ///
    /// # Errors
    /// What choosing the account, the programs and the place gave.
    pub async fn settle(options: &Options, data_dir: &Path) -> Result<Self, ManagedError> {
        let cluster = data_dir.join("pg");
        let account = Account::choose(&cluster)?;
        let binaries = discover::find(&options.search, &account, &cluster)?;
        let place = Place::settle(data_dir, &account, &binaries.postgres(), options.durability).await?;
        Ok(Self {
            log: Log::of(data_dir),
            place,
            account,
            binaries,
            durability: options.durability,
            start_timeout: options.start_timeout,
        })
    }
}
