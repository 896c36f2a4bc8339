//! `tidegate key …`

use anyhow::{bail, ensure};
use clap::{Subcommand, ValueEnum, builder::BoolishValueParser};
use serde_json::json;
use uuid::Uuid;

use super::{
    datasources::no_datasource,
    key_life, key_list,
    opened::{self, ACTOR},
    personal, print,
    projects::check as check_project,
    single,
};
use crate::{
    auth::{
        mint::{self, Minted},
        scope::{Role, Scope},
        text::Kind,
    },
    config::Global,
    domain::{clock::SharedEntropy, overlap::Overlap, settings},
    store::keys::{self, End},
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
        /// Only those of the user with this e-mail address.
        #[arg(long, env = "TIDEGATE_USER")]
        user: Option<String>,
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Show one key, and when it was last used.
    Show {
        /// Id of the key, from `key list`.
        #[arg(value_parser = id)]
        id: Uuid,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Correct the name of a datasource token or a product token.
    Change {
        /// Id of the key, from `key list`.
        #[arg(value_parser = id)]
        id: Uuid,
        /// A name for people.
        #[arg(long, env = "TIDEGATE_NAME", value_parser = settings::name)]
        name: String,
    },
    /// Make the successor of a key, which is shown this once; the key goes on for a while, so that nobody is locked out.
    Rotate {
        /// Id of the key, from `key list`.
        #[arg(value_parser = id)]
        id: Uuid,
        /// How long both hold, from 0s to 30d, such as 90m or 7d.
        #[arg(long, env = "TIDEGATE_OVERLAP", default_value = "24h")]
        overlap: Overlap,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Show the instance key or the event-stream key of a project; made when it is first needed.
    Reveal(single::Options),
    /// Make a new instance key or event-stream key for a project; the old one dies at once.
    Regenerate(single::Regenerate),
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
    /// datasource: reads and writes one datasource. product: carries scopes, on one project or on all of them. personal: belongs to
    /// one user and carries a role.
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
    /// E-mail address of the user, for a personal key.
    #[arg(long, env = "TIDEGATE_USER")]
    user: Option<String>,
    /// Role of a personal key, no wider than that of its user: read_only, ingest or full_access.
    #[arg(long, env = "TIDEGATE_ROLE")]
    role: Option<Role>,
    /// A name for people.
    #[arg(long, env = "TIDEGATE_NAME", value_parser = settings::name)]
    name: String,
    /// What a personal key is for.
    #[arg(long, env = "TIDEGATE_DESCRIPTION", value_parser = settings::description)]
    description: Option<String>,
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
    /// Belongs to one user and carries a role.
    Personal,
}

impl From<KeyKind> for Kind {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Datasource => Self::Datasource,
            KeyKind::Product => Self::Product,
            KeyKind::Personal => Self::Personal,
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
        Command::List { project, user, json } => {
            key_list::list(client, &call, project.as_deref(), user.as_deref(), json).await
        }
        Command::Show { id, json } => key_list::show(client, &call, id, json).await,
        Command::Change { id, name } => key_life::rename(client, &call, id, &name).await,
        Command::Rotate { id, overlap, json } => {
            key_life::rotate(client, entropy, &call, id, overlap, json).await
        }
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
        KeyKind::Personal => {
            ensure!(
                create.project.is_none() && create.datasource.is_none() && create.scopes.is_empty(),
                "a personal key has no --project, --datasource or --scopes: it carries its --role to the projects of its --user"
            );
            personal::wanted(create.user.as_deref(), create.role, create.description.as_deref())?;
        }
    }
    ensure!(
        create.kind == KeyKind::Personal
            || create.user.is_none() && create.role.is_none() && create.description.is_none(),
        "--user, --role and --description are for personal keys"
    );
    Ok(())
}

async fn make(
    client: &mut tokio_postgres::Client,
    entropy: &SharedEntropy,
    call: &str,
    create: &Create,
) -> anyhow::Result<()> {
    if create.kind == KeyKind::Personal {
        let wanted = personal::wanted(create.user.as_deref(), create.role, create.description.as_deref())?;
        let key = personal::make(client, entropy, call, &create.name, wanted).await?;
        return made(create, Kind::Personal, &key);
    }
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
    made(create, request.kind, &key)
}

/// Shows a key that was just made.
fn made(create: &Create, kind: Kind, key: &Minted) -> anyhow::Result<()> {
    let kind = kind.name();
    if create.json {
        let shape = json!({ "id": key.id, "kind": kind, "key": key.text.reveal(), "prefix": key.prefix });
        return print::json(&shape);
    }
    print::line(format!("made the {kind} key {} ({})", key.id, create.name));
    print::line(format!("its text, shown this once: {}", key.text.reveal()));
    Ok(())
}

async fn end(client: &mut tokio_postgres::Client, call: &str, id: Uuid, how: End) -> anyhow::Result<()> {
    let found = keys::end(client, id, how, ACTOR).await?;
    ensure!(found, key_list::no_key(call, id));
    let done = if how == End::Revoke { "revoked" } else { "deleted" };
    print::line(format!("{done} the key {id}; every server refuses it within a second"));
    Ok(())
}
