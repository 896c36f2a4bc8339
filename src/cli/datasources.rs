//! `tidegate datasource …`

use anyhow::ensure;
use clap::{Subcommand, builder::BoolishValueParser};
use serde_json::json;

use super::{
    opened::{self, ACTOR},
    print,
    projects::{check, limits, name, no_project},
};
use crate::{
    auth::mint,
    config::Global,
    domain::{
        budget::{Class, Plan},
        clock::SharedEntropy,
        country::Country,
        ids::DatasourceUid,
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
    #[arg(long, env = "TIDEGATE_NAME", value_parser = name)]
    name: String,
    /// How many pushes a minute: S 600, M 6 000, L 60 000, XL 600 000. Default: the organization's.
    #[arg(long, env = "TIDEGATE_PLAN", value_name = "S|M|L|XL")]
    plan: Option<Plan>,
    /// Refuse event types that the catalogue does not declare.
    #[arg(long, env = "TIDEGATE_STRICT", value_parser = BoolishValueParser::new())]
    strict: bool,
    /// Country of phone numbers that come without one, such as ES.
    #[arg(long, env = "TIDEGATE_DEFAULT_COUNTRY", value_parser = country, value_name = "COUNTRY")]
    default_country: Option<Country>,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

fn country(text: &str) -> Result<Country, String> {
    Country::parse(text).ok_or_else(|| format!("{text:?} is no ISO 3166-1 alpha-2 country code, such as ES"))
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let call = print::call(global);
    opened::with(global, async |client, entropy| match command {
        Command::Create(create) => make(client, entropy, &call, &create).await,
        Command::List { project, json } => list(client, &call, project.as_deref(), json).await,
        Command::Limit { datasource, class, per_minute } => {
            let found = datasources::set_limit(client, &datasource, class.name(), per_minute, ACTOR).await?;
            ensure!(found, no_datasource(&call, &datasource));
            print::line(format!("{class} of {datasource} is {per_minute} requests a minute"));
            Ok(())
        }
    })
    .await
}

/// What to say of a uid that no datasource has.
pub(super) fn no_datasource(call: &str, uid: &str) -> String {
    format!("no datasource has the uid {uid:?}; `{call} datasource list` shows them")
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
        "limits": datasource.limits,
        "createdAt": datasource.created_at,
    })
}
