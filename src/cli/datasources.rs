//! `tidegate datasource …`

use anyhow::ensure;
use clap::{Subcommand, builder::BoolishValueParser};
use serde_json::json;

use super::{
    confirm,
    opened::{self, ACTOR},
    print,
    projects::{check, limits, no_project},
    purge,
};
use crate::{
    auth::mint,
    config::Global,
    domain::{
        budget::{Class, Plan},
        clock::SharedEntropy,
        country::Country,
        ids::DatasourceUid,
        settings::{self, DatasourcePatch},
    },
    store::datasources::{self, DatasourceListing, NewDatasource},
};

/// What to do with datasources.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a datasource and its first token, which is shown this once.
    Create(Create),
    /// List the datasources.
    List {
        /// Only those of this project.
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: Option<String>,
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Show one datasource.
    Show {
        /// Uid of the datasource, ds_….
        #[arg(long, env = "TIDEGATE_DATASOURCE")]
        datasource: String,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Change a datasource: its name, plan, strictness, default country or priority, or take back a budget of its own.
    Change(Change),
    /// Delete a datasource with its keys and everything it holds.
    Delete {
        /// Uid of the datasource, ds_….
        #[arg(long, env = "TIDEGATE_DATASOURCE")]
        datasource: String,
        /// Do not ask.
        #[arg(long, env = "TIDEGATE_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
    },
    /// Remove everything that a datasource received until now; it stays, with its keys.
    Purge {
        /// Uid of the datasource, ds_….
        #[arg(long, env = "TIDEGATE_DATASOURCE")]
        datasource: String,
        /// Do not ask.
        #[arg(long, env = "TIDEGATE_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Set the budget of one endpoint class of a datasource, in requests per minute.
    Limit {
        /// Uid of the datasource, ds_….
        #[arg(long, env = "TIDEGATE_DATASOURCE")]
        datasource: String,
        /// Endpoint class, such as events.write.
        #[arg(long, env = "TIDEGATE_CLASS")]
        class: Class,
        /// Requests per minute.
        #[arg(long, env = "TIDEGATE_PER_MINUTE", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
        per_minute: u32,
    },
}

/// A datasource to make.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// Uid of its project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT")]
    project: String,
    /// A name for people.
    #[arg(long, env = "TIDEGATE_NAME", value_parser = settings::name)]
    name: String,
    /// How many pushes a minute: S 600, M 6 000, L 60 000, XL 600 000. Default: the organization's.
    #[arg(long, env = "TIDEGATE_PLAN", value_name = "S|M|L|XL")]
    plan: Option<Plan>,
    /// Refuse event types that the catalogue does not declare.
    #[arg(long, env = "TIDEGATE_STRICT", value_parser = BoolishValueParser::new())]
    strict: bool,
    /// Country of phone numbers that come without one, such as ES.
    #[arg(long, env = "TIDEGATE_DEFAULT_COUNTRY", value_parser = settings::country, value_name = "COUNTRY")]
    default_country: Option<Country>,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// What to change of a datasource.
#[derive(Debug, clap::Args)]
pub(super) struct Change {
    /// Uid of the datasource, ds_….
    #[arg(long, env = "TIDEGATE_DATASOURCE")]
    datasource: String,
    /// A name for people.
    #[arg(long, env = "TIDEGATE_NAME", value_parser = settings::name)]
    name: Option<String>,
    /// How many pushes a minute: S, M, L or XL; default goes back to the organization's plan.
    #[arg(long, env = "TIDEGATE_PLAN", value_parser = or_default::<Plan>, value_name = "S|M|L|XL|default")]
    plan: Option<OrDefault<Plan>>,
    /// Whether event types that the catalogue does not declare are refused.
    #[arg(long, env = "TIDEGATE_STRICT", value_name = "true|false")]
    strict: Option<bool>,
    /// Country of phone numbers that come without one, such as ES; none takes it away.
    #[arg(long, env = "TIDEGATE_DEFAULT_COUNTRY", value_parser = country_or_none, value_name = "COUNTRY|none")]
    default_country: Option<OrDefault<Country>>,
    /// Which datasource wins where several know the same person, from 0 to 1000000; lower first.
    #[arg(long, env = "TIDEGATE_PRIORITY", value_parser = priority, allow_negative_numbers = true, value_name = "N")]
    priority: Option<i32>,
    /// Endpoint classes whose budget goes back to that of the plan, with commas between them.
    #[arg(long, env = "TIDEGATE_NO_LIMIT", value_delimiter = ',', value_name = "CLASS")]
    no_limit: Vec<Class>,
}

/// A value, or going back to the default.
#[derive(Debug, Clone)]
struct OrDefault<T>(Option<T>);

fn or_default<T: std::str::FromStr<Err = String>>(text: &str) -> Result<OrDefault<T>, String> {
    if text == "default" { Ok(OrDefault(None)) } else { text.parse().map(|value| OrDefault(Some(value))) }
}

fn country_or_none(text: &str) -> Result<OrDefault<Country>, String> {
    if text == "none" { Ok(OrDefault(None)) } else { settings::country(text).map(|one| OrDefault(Some(one))) }
}

fn priority(text: &str) -> Result<i32, String> {
    settings::priority(text.parse().map_err(|_| "must be a whole number".to_owned())?)
}

impl Change {
    fn patch(&self) -> DatasourcePatch {
        DatasourcePatch {
            name: self.name.clone(),
            plan: self.plan.as_ref().map(|plan| plan.0),
            strict: self.strict,
            default_country: self.default_country.as_ref().map(|country| country.0),
            priority: self.priority,
            limits: self.no_limit.iter().map(|class| (*class, None)).collect(),
        }
    }
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let call = print::call(global);
    opened::with(global, async |client, entropy| match command {
        Command::Create(create) => make(client, entropy, &call, &create).await,
        Command::List { project, json } => list(client, &call, project.as_deref(), json).await,
        Command::Limit { datasource, class, per_minute } => {
            let limits = [(class, Some(per_minute))].into();
            change(client, &call, &datasource, DatasourcePatch { limits, ..DatasourcePatch::default() }).await
        }
        Command::Change(change_to) => {
            let patch = change_to.patch();
            ensure!(patch != DatasourcePatch::default(), "nothing to change: give at least one option");
            change(client, &call, &change_to.datasource, patch).await
        }
        Command::Purge { datasource, yes, json } => {
            let known = found(client, &call, &datasource).await?;
            let question =
                format!("remove everything that the datasource {datasource} ({}) holds", known.name);
            confirm::ask(&question, yes)?;
            purge::run(client, &datasource, json).await
        }
        Command::Show { datasource, json } => show(client, &call, &datasource, json).await,
        Command::Delete { datasource, yes } => {
            let known = found(client, &call, &datasource).await?;
            let question =
                format!("delete the datasource {datasource} ({}) with its keys and data", known.name);
            confirm::ask(&question, yes)?;
            ensure!(
                datasources::delete(client, &datasource, ACTOR).await?,
                no_datasource(&call, &datasource)
            );
            print::line(format!(
                "deleted the datasource {datasource}; a running server removes what it held"
            ));
            Ok(())
        }
    })
    .await
}

/// What to say of a uid that no datasource has.
pub(super) fn no_datasource(call: &str, uid: &str) -> String {
    format!("no datasource has the uid {uid:?}; `{call} datasource list` shows them")
}

async fn change(
    client: &mut tokio_postgres::Client,
    call: &str,
    uid: &str,
    patch: DatasourcePatch,
) -> anyhow::Result<()> {
    ensure!(datasources::change(client, uid, &patch, ACTOR).await?, no_datasource(call, uid));
    print::line(format!("changed the datasource {uid}: {patch}"));
    Ok(())
}

/// The datasource of this uid.
async fn found(client: &tokio_postgres::Client, call: &str, uid: &str) -> anyhow::Result<DatasourceListing> {
    let found = datasources::list(client, None).await?.into_iter().find(|datasource| datasource.uid == uid);
    found.ok_or_else(|| anyhow::anyhow!(no_datasource(call, uid)))
}

async fn show(client: &tokio_postgres::Client, call: &str, uid: &str, json: bool) -> anyhow::Result<()> {
    let datasource = found(client, call, uid).await?;
    if json {
        return print::json(&shape(&datasource));
    }
    print::fields(&[
        ("uid", datasource.uid.clone()),
        ("name", datasource.name.clone()),
        ("project", format!("{} ({})", datasource.project, datasource.project_name)),
        ("plan", datasource.plan.clone().unwrap_or_else(|| "default".into())),
        ("strict", datasource.strict.to_string()),
        ("default country", datasource.default_country.clone().unwrap_or_else(|| "none".into())),
        ("priority", datasource.priority.to_string()),
        ("limits", limits(&datasource.limits)),
        ("created", datasource.created_at.to_string()),
        ("changed", datasource.updated_at.to_string()),
    ]);
    Ok(())
}

async fn make(
    client: &mut tokio_postgres::Client,
    entropy: &SharedEntropy,
    call: &str,
    create: &Create,
) -> anyhow::Result<()> {
    let uid = DatasourceUid::draw(entropy.as_ref())?;
    let new = NewDatasource {
        project: &create.project,
        uid: uid.as_str(),
        name: &create.name,
        plan: create.plan.map(Plan::name),
        strict: create.strict,
        default_country: create.default_country.as_ref().map(Country::as_str),
    };
    let token = mint::datasource_with_token(client, &new, entropy.as_ref(), ACTOR).await?;
    let project = &create.project;
    let Some(token) = token else {
        anyhow::bail!(no_project(call, project));
    };
    if create.json {
        return print::json(
            &json!({ "uid": uid.as_str(), "name": create.name, "token": token.text.reveal() }),
        );
    }
    print::line(format!("made the datasource {uid} ({})", create.name));
    print::line(format!("its first token, shown this once: {}", token.text.reveal()));
    print::line(format!(
        "\nPushes go to /v1/project/{project}/datasource/{uid}/stream/contacts and …/stream/events"
    ));
    Ok(())
}

async fn list(
    client: &tokio_postgres::Client,
    call: &str,
    project: Option<&str>,
    json: bool,
) -> anyhow::Result<()> {
    check(client, call, project).await?;
    let datasources = datasources::list(client, project).await?;
    if json {
        return print::json(&datasources.iter().map(shape).collect::<Vec<_>>());
    }
    let rows = datasources
        .into_iter()
        .map(|datasource| {
            let plan = datasource.plan.unwrap_or_else(|| "default".into());
            let strict = if datasource.strict { "strict" } else { "" };
            let country = datasource.default_country.unwrap_or_default();
            vec![
                datasource.uid,
                datasource.name,
                datasource.project,
                plan,
                strict.into(),
                country,
                limits(&datasource.limits),
            ]
        })
        .collect();
    let project = project.unwrap_or("proj_…");
    let hint = format!(
        "There is no datasource yet; `{call} datasource create --project {project} --name N` makes one."
    );
    print::table(&["UID", "NAME", "PROJECT", "PLAN", "STRICT", "COUNTRY", "LIMITS"], rows, &hint);
    Ok(())
}

fn shape(datasource: &DatasourceListing) -> serde_json::Value {
    json!({
        "uid": datasource.uid,
        "name": datasource.name,
        "project": datasource.project,
        "plan": datasource.plan,
        "strict": datasource.strict,
        "defaultCountry": datasource.default_country,
        "priority": datasource.priority,
        "limits": datasource.limits,
        "createdAt": datasource.created_at,
        "updatedAt": datasource.updated_at,
    })
}
