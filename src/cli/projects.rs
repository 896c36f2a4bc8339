//! `tidegate project …`

use anyhow::ensure;
use clap::{Subcommand, builder::BoolishValueParser};
use serde_json::json;

use super::{
    opened::{self, ACTOR},
    print,
};
use crate::{
    config::Global,
    domain::{budget::Class, ids::ProjectUid},
    store::projects,
};

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a project.
    Create {
        /// A name for people.
        #[arg(long, env = "TIDEGATE_NAME", value_parser = name)]
        name: String,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// List the projects.
    List {
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Set the budget of one endpoint class of a project, in requests per minute; its datasources follow where they set
    /// nothing themselves.
    Limit {
        /// Uid of the project, proj_….
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: String,
        /// Endpoint class, such as audience.read.
        #[arg(long, env = "TIDEGATE_CLASS")]
        class: Class,
        /// Requests per minute.
        #[arg(long, env = "TIDEGATE_PER_MINUTE", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
        per_minute: u32,
    },
}

/// Reads a name: 1 to 200 characters, without control characters.
pub(super) fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err("a name has 1 to 200 characters, none of them a control character".into());
    }
    Ok(text.to_owned())
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let call = print::call(global);
    opened::with(global, async |client, entropy| match command {
        Command::Create { name, json } => {
            let uid = ProjectUid::draw(entropy.as_ref())?;
            projects::create(client, uid.as_str(), &name, ACTOR).await?;
            if json {
                return print::json(&json!({ "uid": uid.as_str(), "name": name }));
            }
            print::line(format!("made the project {uid} ({name})\n\nNext, give it a datasource:"));
            print::line(format!("  {call} datasource create --project {uid} --name Website"));
            Ok(())
        }
        Command::List { json } => list(client, &call, json).await,
        Command::Limit { project, class, per_minute } => {
            let found = projects::set_limit(client, &project, class.name(), per_minute, ACTOR).await?;
            ensure!(found, no_project(&call, &project));
            print::line(format!("{class} of {project} is {per_minute} requests a minute"));
            Ok(())
        }
    })
    .await
}

/// What to say of a uid that no project has.
pub(super) fn no_project(call: &str, uid: &str) -> String {
    format!("no project has the uid {uid:?}; `{call} project list` shows them")
}

/// Makes sure that a list is asked of a project that exists, lest a mistyped uid looks like an empty project.
pub(super) async fn check(
    client: &tokio_postgres::Client,
    call: &str,
    project: Option<&str>,
) -> anyhow::Result<()> {
    let Some(uid) = project else { return Ok(()) };
    let known = projects::list(client).await?.iter().any(|project| project.uid == uid);
    ensure!(known, no_project(call, uid));
    Ok(())
}

async fn list(client: &tokio_postgres::Client, call: &str, json: bool) -> anyhow::Result<()> {
    let projects = projects::list(client).await?;
    if json {
        let shape = |project: &projects::ProjectListing| json!({ "uid": project.uid, "name": project.name, "limits": project.limits, "createdAt": project.created_at });
        return print::json(&projects.iter().map(shape).collect::<Vec<_>>());
    }
    let rows = projects
        .into_iter()
        .map(|project| {
            vec![project.uid, project.name, limits(&project.limits), project.created_at.to_string()]
        })
        .collect();
    let hint = format!("There is no project yet; `{call} project create --name Production` makes one.");
    print::table(&["UID", "NAME", "LIMITS", "CREATED"], rows, &hint);
    Ok(())
}

/// Overrides as one cell.
pub(super) fn limits(limits: &std::collections::BTreeMap<String, u64>) -> String {
    limits.iter().map(|(class, number)| format!("{class}={number}")).collect::<Vec<_>>().join(" ")
}
