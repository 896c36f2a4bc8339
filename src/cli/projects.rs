//! `tidegate project …`

use anyhow::ensure;
use clap::{ArgGroup, Subcommand, builder::BoolishValueParser};
use serde_json::json;

use super::{
    confirm,
    opened::{self, ACTOR},
    print,
};
use crate::{
    config::Global,
    domain::{
        budget::Class,
        clock::SystemClock,
        ids::ProjectUid,
        settings::{self, ProjectPatch},
    },
    store::{projects, retention},
};

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a project.
    Create {
        /// A name for people.
        #[arg(long, env = "TIDEGATE_NAME", value_parser = settings::name)]
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
    /// Show one project.
    Show {
        /// Uid of the project, proj_….
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: String,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Change a project's name, locale or time zone, or take back a budget of its own.
    Change(Change),
    /// Say for how many days a project keeps what it received. What is older is gone at once, and does not come back.
    #[command(group(ArgGroup::new("kept").required(true)))]
    Retention {
        /// Uid of the project, proj_….
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: String,
        /// Days, 1 to 36500.
        #[arg(long, env = "TIDEGATE_DAYS", group = "kept", value_parser = days)]
        days: Option<i32>,
        /// Keep everything that is still there, and what comes, for ever.
        #[arg(long, env = "TIDEGATE_FOREVER", group = "kept", value_parser = BoolishValueParser::new())]
        forever: bool,
        /// Do not ask.
        #[arg(long, env = "TIDEGATE_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
    },
    /// Delete a project with its datasources, its keys and everything they hold.
    Delete {
        /// Uid of the project, proj_….
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: String,
        /// Do not ask.
        #[arg(long, env = "TIDEGATE_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
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

/// What to change of a project.
#[derive(Debug, clap::Args)]
pub(super) struct Change {
    /// Uid of the project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT")]
    project: String,
    /// A name for people.
    #[arg(long, env = "TIDEGATE_NAME", value_parser = settings::name)]
    name: Option<String>,
    /// The language of its audience, a BCP 47 tag such as de-AT.
    #[arg(long, env = "TIDEGATE_LOCALE", value_parser = settings::locale)]
    locale: Option<String>,
    /// Its time zone, such as Europe/Vienna.
    #[arg(long, env = "TIDEGATE_TIMEZONE", value_parser = settings::timezone)]
    timezone: Option<String>,
    /// Endpoint classes whose budget goes back to the default, with commas between them.
    #[arg(long, env = "TIDEGATE_NO_LIMIT", value_delimiter = ',', value_name = "CLASS")]
    no_limit: Vec<Class>,
}

impl Change {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.locale.is_none() && self.timezone.is_none() && self.no_limit.is_empty()
    }

    fn patch(&self) -> ProjectPatch {
        ProjectPatch {
            name: self.name.clone(),
            locale: self.locale.clone(),
            timezone: self.timezone.clone(),
            limits: self.no_limit.iter().map(|class| (*class, None)).collect(),
            retention: None,
        }
    }
}

async fn change(
    client: &mut tokio_postgres::Client,
    call: &str,
    project: &str,
    patch: ProjectPatch,
) -> anyhow::Result<()> {
    ensure!(projects::change(client, project, &patch, ACTOR).await?, no_project(call, project));
    print::line(format!("changed the project {project}: {patch}"));
    Ok(())
}

/// Reads a number of days.
fn days(text: &str) -> Result<i32, String> {
    settings::retention(text.parse().map_err(|_| "is not a whole number of days".to_owned())?)
}

/// How long is kept what was received, in words.
fn kept(days: Option<i32>) -> String {
    days.map_or_else(|| "for ever".to_owned(), |days| format!("{days} days"))
}

async fn keep(
    client: &mut tokio_postgres::Client,
    call: &str,
    uid: &str,
    days: Option<i32>,
    yes: bool,
) -> anyhow::Result<()> {
    let known = found(client, call, uid).await?;
    if let Some(days) = days.filter(|days| known.retention_days.is_none_or(|before| *days < before)) {
        let name = &known.name;
        let question =
            format!("remove all that the project {uid} ({name}) received more than {days} days ago");
        confirm::ask(&question, yes)?;
    }
    let patch = ProjectPatch { retention: Some(days), ..ProjectPatch::default() };
    change(client, call, uid, patch).await?;
    Ok(retention::raise(client, Some(uid), SystemClock::shared().now()).await?)
}

/// The project of this uid.
async fn found(
    client: &tokio_postgres::Client,
    call: &str,
    uid: &str,
) -> anyhow::Result<projects::ProjectListing> {
    let found = projects::list(client).await?.into_iter().find(|project| project.uid == uid);
    found.ok_or_else(|| anyhow::anyhow!(no_project(call, uid)))
}

async fn show(client: &tokio_postgres::Client, call: &str, uid: &str, json: bool) -> anyhow::Result<()> {
    let project = found(client, call, uid).await?;
    if json {
        return print::json(&shape(&project));
    }
    print::fields(&[
        ("uid", project.uid.clone()),
        ("name", project.name.clone()),
        ("locale", project.locale.clone()),
        ("time zone", project.timezone.clone()),
        ("retention", kept(project.retention_days)),
        ("limits", limits(&project.limits)),
        ("created", project.created_at.to_string()),
        ("changed", project.updated_at.to_string()),
    ]);
    Ok(())
}

fn shape(project: &projects::ProjectListing) -> serde_json::Value {
    json!({
        "uid": project.uid,
        "name": project.name,
        "locale": project.locale,
        "timezone": project.timezone,
        "retentionDays": project.retention_days,
        "limits": project.limits,
        "createdAt": project.created_at,
        "updatedAt": project.updated_at,
    })
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
            let limits = [(class, Some(per_minute))].into();
            change(client, &call, &project, ProjectPatch { limits, ..ProjectPatch::default() }).await
        }
        Command::Change(change_to) => {
            ensure!(
                !change_to.is_empty(),
                "nothing to change: give --name, --locale, --timezone or --no-limit"
            );
            change(client, &call, &change_to.project, change_to.patch()).await
        }
        Command::Retention { project, days, forever: _, yes } => {
            keep(client, &call, &project, days, yes).await
        }
        Command::Show { project, json } => show(client, &call, &project, json).await,
        Command::Delete { project, yes } => {
            let known = found(client, &call, &project).await?;
            let question = format!(
                "delete the project {project} ({}) with all its datasources, keys and data",
                known.name
            );
            confirm::ask(&question, yes)?;
            ensure!(projects::delete(client, &project, ACTOR).await?, no_project(&call, &project));
            print::line(format!("deleted the project {project}; a running server removes what it held"));
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
    found(client, call, uid).await.map(|_| ())
}

async fn list(client: &tokio_postgres::Client, call: &str, json: bool) -> anyhow::Result<()> {
    let projects = projects::list(client).await?;
    if json {
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
