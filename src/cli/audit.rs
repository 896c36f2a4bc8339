//! `tidegate audit …`

use clap::{Subcommand, builder::BoolishValueParser};
use serde_json::json;
use tokio_postgres::Client;

use super::{opened, print, projects::check};
use crate::{
    config::Global,
    store::audit::{self, Line},
};

/// What to do with the audit.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List what was done to projects, datasources, users and keys, the latest first.
    List {
        /// Only what concerns this project.
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: Option<String>,
        /// How many lines at most.
        #[arg(long, env = "TIDEGATE_LIMIT", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
        limit: i64,
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let call = print::call(global);
    opened::with(global, async |client, _entropy| match command {
        Command::List { project, limit, json } => list(client, &call, project.as_deref(), limit, json).await,
    })
    .await
}

async fn list(
    client: &Client,
    call: &str,
    project: Option<&str>,
    limit: i64,
    json: bool,
) -> anyhow::Result<()> {
    check(client, call, project).await?;
    let lines = audit::list(client, project, None, limit).await?;
    if json {
        return print::json(&lines.iter().map(shape).collect::<Vec<_>>());
    }
    let row = |line: Line| {
        vec![line.at.to_string(), line.actor, line.address, line.action, line.subject, line.note]
    };
    let rows = lines.into_iter().map(row).collect();
    print::table(&["AT", "WHO", "FROM", "ACTION", "SUBJECT", "NOTE"], rows, "Nothing was done yet.");
    Ok(())
}

fn shape(line: &Line) -> serde_json::Value {
    json!({
        "at": line.at,
        "project": line.project,
        "actor": line.actor,
        "address": line.address,
        "action": line.action,
        "subject": line.subject,
        "note": line.note,
    })
}
