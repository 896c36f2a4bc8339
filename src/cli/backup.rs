//! `tidegate backup FILE` and `tidegate restore FILE`

use std::{fs, path::PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use clap::builder::BoolishValueParser;
use indicatif::HumanBytes;
use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use super::{
    opened::{self, ACTOR, Opened},
    print,
    progress::Meter,
};
use crate::{
    config::Global,
    domain::clock::SystemClock,
    store::{
        dump::{self, Archive, Backup, Restored, Site, Target, Tools},
        managed::{self, Durability, discover::Search},
    },
};

/// What to back up into.
#[derive(Debug, clap::Args)]
pub(super) struct BackupOptions {
    /// The file to make; what is being written is at FILE.part until it is whole.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a file that exists.
    #[arg(long, env = "TIDEGATE_FORCE", value_parser = BoolishValueParser::new())]
    force: bool,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// What to restore from.
#[derive(Debug, clap::Args)]
pub(super) struct RestoreOptions {
    /// A file that `tidegate backup` made.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

pub(super) async fn back_up(global: &Global, options: BackupOptions) -> anyhow::Result<()> {
    let began = Instant::now();
    // Before anything is started: most mistakes are in the name.
    let target = Target::open(&options.file, options.force)?;
    if global.database_url.is_none() {
        let there = fs::symlink_metadata(global.data_dir.join("pg")).is_ok();
        ensure!(there, "there is no database in {}: nothing to back up", global.data_dir.display());
    }
    let opened = opened::open(global, managed::Role::Guest).await?;
    let outcome = tokio::select! {
        outcome = dump_into(&opened, target) => outcome,
        ended = signalled() => ended.and_then(|()| bail!("ended by a signal; no backup was made")),
    };
    let closed = opened.close().await;
    let backup = outcome?;
    closed?;
    let seconds = began.elapsed().as_secs_f64();
    if options.json {
        return print::json(&json!({
            "file": options.file, "bytes": backup.bytes, "seconds": rounded(seconds), "schemaVersion": backup.schema_version,
            "events": backup.holdings.events, "contacts": backup.holdings.contacts,
        }));
    }
    print::line(format!(
        "backed up {} events and {} contacts into {}: {} in {seconds:.1} s",
        backup.holdings.events,
        backup.holdings.contacts,
        options.file.display(),
        HumanBytes(backup.bytes)
    ));
    Ok(())
}

async fn dump_into(opened: &Opened, target: Target) -> anyhow::Result<Backup> {
    let tools = tools_for(opened).await?;
    let mut meter = Meter::new("backing up");
    Ok(dump::backup(&opened.database, &tools, target, |progress| meter.show(progress)).await?)
}

async fn tools_for(opened: &Opened) -> anyhow::Result<Tools> {
    // What a server promises about commits was looked at when it was opened.
    let facts = opened.database.check(Durability::ForTests).await?;
    Ok(Tools::for_server(&Search::system(), facts.major.unsigned_abs())?)
}

pub(super) async fn restore(global: &Global, options: RestoreOptions) -> anyhow::Result<()> {
    let began = Instant::now();
    // Before anything is made: a file that will not do leaves no data directory behind.
    let archive = Archive::open(&options.file, &Tools::newest(&Search::system())?).await?;
    // As the owner: no server may run on it, and none may start meanwhile.
    let opened = opened::open(global, managed::Role::Owner).await?;
    let outcome = fill(&opened, &archive).await;
    let closed = opened.close().await;
    let restored = outcome?;
    closed?;
    let seconds = began.elapsed().as_secs_f64();
    if options.json {
        return print::json(&json!({
            "file": options.file, "bytes": archive.bytes, "seconds": rounded(seconds),
            "schemaVersion": restored.schema_version, "migrations": restored.migrations,
            "events": restored.holdings.events, "contacts": restored.holdings.contacts,
        }));
    }
    print::line(format!(
        "restored {} events and {} contacts from {} in {seconds:.1} s; the schema is at version {}",
        restored.holdings.events,
        restored.holdings.contacts,
        options.file.display(),
        restored.schema_version
    ));
    let call = print::call(global);
    print::line(
        "\nKeys that were revoked since the backup live again, and later ones are unknown; look at them with",
    );
    print::line(format!("  {call} key list\nTo serve:\n  {call} serve"));
    Ok(())
}

/// Restores, or leaves the database as empty as it was.
async fn fill(opened: &Opened, archive: &Archive) -> anyhow::Result<Restored> {
    let tools = tools_for(opened).await?;
    let mut site = tokio::select! {
        site = Site::claim(&opened.database) => site?,
        ended = signalled() => return ended.and_then(|()| bail!("ended by a signal; nothing was restored")),
    };
    let now = SystemClock::shared().now();
    let mut meter = Meter::new("restoring");
    let filled = tokio::select! {
        filled = site.fill(&tools, archive, ACTOR, now, |progress| meter.show(progress)) => Some(filled),
        ended = signalled() => ended.map(|()| None)?,
    };
    drop(meter);
    let failure = match filled {
        Some(Ok(restored)) => return Ok(restored),
        Some(Err(error)) => error.into(),
        None => anyhow!("ended by a signal"),
    };
    let emptied = site.discard().await.with_context(|| format!("{failure:#}. {LEFT}"))?;
    let state = if emptied {
        "nothing was restored, and the database is empty again"
    } else {
        "everything was restored, but"
    };
    Err(failure.context(state))
}

/// What to do when even that failed.
const LEFT: &str = "What the restore has left could not be removed: run `tidegate restore FILE` again, which begins anew, or \
                    remove the data directory or drop the database";

/// Waits for a signal that asks to end.
async fn signalled() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // A terminal that was closed; what is half done is to be cleared away all the same.
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

/// Seconds to the millisecond.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}
