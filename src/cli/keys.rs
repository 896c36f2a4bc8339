//! `tidegate key …`

use anyhow::{bail, ensure};
use clap::{Subcommand, ValueEnum, builder::BoolishValueParser};
use serde_json::json;
use uuid::Uuid;

use super::{
    datasources::no_datasource,
    opened::{self, ACTOR},
    print,
    projects::check as check_project,
    single,
};
use crate::{
    auth::{mint, scope::Scope, text::Kind},
    config::Global,
    domain::{clock::SharedEntropy, settings},
    store::keys::{self, End, KeyListing},
};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key; its text is shown this once.
    Create(Create),
    /// List the keys that were not deleted.
    List {
        /// Only those of this project.
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: Option<String>,
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Show the instance key or the event-stream key of a project; made when it is first needed.
    Reveal(single::Options),
    /// Make a new instance key or event-stream key for a project; the old one dies at once.
    Regenerate(single::Options),
    /// Disable a key at once; it stays in the list.
    Revoke {
        /// Id of the key, from `key list`.
        #[arg(value_parser = id)]
        id: Uuid,
    },
    /// Disable a key at once and take it off the list.
    Delete {
        /// Id of the key, from `key list`.
        #[arg(value_parser = id)]
        id: Uuid,
    },
}

/// A key to make.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// datasource: reads and writes one datasource. product: carries scopes, on one project or on all of them.
    #[arg(long, env = "TIDEGATE_KIND")]
    kind: KeyKind,
    /// Uid of the project. A product token without it reaches every project.
    #[arg(long, env = "TIDEGATE_PROJECT")]
    project: Option<String>,
    /// Uid of the datasource, for a datasource token.
    #[arg(long, env = "TIDEGATE_DATASOURCE")]
    datasource: Option<String>,
    /// Scopes of a product token, with commas between them, such as PROJECT_INGEST_READ,PROJECT_INGEST_WRITE.
    #[arg(long, env = "TIDEGATE_SCOPES", value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// A name for people.
    #[arg(long, env = "TIDEGATE_NAME", value_parser = settings::name)]
    name: String,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// Reads the id of a key. What it shows of a mistake is never more than clap itself shows.
fn id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "a key's id looks like 0190a5c2-…; `tidegate key list` shows them".to_owned())
}

/// Kinds that can be made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyKind {
    /// Reads and writes one datasource.
    Datasource,
    /// Carries scopes, on one project or on all of them.
    Product,
}

impl From<KeyKind> for Kind {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Datasource => Self::Datasource,
            KeyKind::Product => Self::Product,
        }
    }
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    if let Command::Create(create) = &command {
        check(create)?;
    }
    let vault = opened::vault(global)?;
    let call = print::call(global);
    opened::with(global, async |client, entropy| match command {
        Command::Create(create) => make(client, entropy, &call, &create).await,
        Command::List { project, json } => list(client, &call, project.as_deref(), json).await,
        Command::Reveal(options) => single::reveal(client, (&vault, entropy), &call, &options).await,
        Command::Regenerate(options) => single::regenerate(client, (&vault, entropy), &call, &options).await,
        Command::Revoke { id } => end(client, &call, id, End::Revoke).await,
        Command::Delete { id } => end(client, &call, id, End::Delete).await,
    })
    .await
}

/// Refuses combinations that make no key, before a database is opened.
fn check(create: &Create) -> anyhow::Result<()> {
    match create.kind {
        KeyKind::Datasource => {
            ensure!(
                create.datasource.is_some(),
                "--datasource is needed: a datasource token is bound to one datasource"
            );
            ensure!(
                create.scopes.is_empty(),
                "--scopes is for product tokens: those of a datasource token are fixed"
            );
        }
        KeyKind::Product => {
            ensure!(
                create.datasource.is_none(),
                "--datasource is for datasource tokens; bind this one with --project"
            );
            let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
            ensure!(
                !create.scopes.is_empty(),
                "--scopes is needed for a product token: any of {}",
                known.join(",")
            );
        }
    }
    Ok(())
}

async fn make(
    client: &mut tokio_postgres::Client,
    entropy: &SharedEntropy,
    call: &str,
    create: &Create,
) -> anyhow::Result<()> {
    let request = mint::Request {
        kind: create.kind.into(),
        name: &create.name,
        project: create.project.as_deref(),
        datasource: create.datasource.as_deref(),
        scopes: &create.scopes,
    };
    let Some(key) = mint::mint(client, &request, entropy.as_ref(), ACTOR).await? else {
        let (project, datasource) = (create.project.as_deref(), create.datasource.as_deref());
        check_project(client, call, project).await?;
        let datasource = no_datasource(call, datasource.unwrap_or_default());
        bail!("{datasource}{}", project.map(|uid| format!(" (in the project {uid})")).unwrap_or_default());
    };
    let kind = request.kind.name();
    if create.json {
        let shape = json!({ "id": key.id, "kind": kind, "key": key.text.reveal(), "prefix": key.prefix });
        return print::json(&shape);
    }
    print::line(format!("made the {kind} key {} ({})", key.id, create.name));
    print::line(format!("its text, shown this once: {}", key.text.reveal()));
    Ok(())
}

async fn list(
    client: &tokio_postgres::Client,
    call: &str,
    project: Option<&str>,
    json: bool,
) -> anyhow::Result<()> {
    check_project(client, call, project).await?;
    let keys = keys::list(client, project).await?;
    if json {
        return print::json(&keys.iter().map(shape).collect::<Vec<_>>());
    }
    let rows = keys
        .into_iter()
        .map(|key| {
            let reach = key.datasource.or(key.project).unwrap_or_else(|| "all projects".into());
            let state = if key.revoked_at.is_some() { "revoked" } else { "live" };
            let created = format!("{} by {}", key.created_at, key.created_by);
            vec![
                key.id.to_string(),
                key.kind,
                key.name,
                key.prefix,
                reach,
                key.scopes.join(" "),
                created,
                state.into(),
            ]
        })
        .collect();
    print::table(
        &["ID", "KIND", "NAME", "PREFIX", "REACH", "SCOPES", "CREATED", "STATE"],
        rows,
        "There is no key yet; making a datasource makes its first token.",
    );
    Ok(())
}

fn shape(key: &KeyListing) -> serde_json::Value {
    json!({
        "id": key.id,
        "kind": key.kind,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "project": key.project,
        "datasource": key.datasource,
        "createdAt": key.created_at,
        "createdBy": key.created_by,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
    })
}

async fn end(client: &mut tokio_postgres::Client, call: &str, id: Uuid, how: End) -> anyhow::Result<()> {
    let found = keys::end(client, id, how, ACTOR).await?;
    ensure!(found, "no key has the id {id}; `{call} key list` shows them");
    let done = if how == End::Revoke { "revoked" } else { "deleted" };
    print::line(format!("{done} the key {id}; every server refuses it within a second"));
    Ok(())
}
