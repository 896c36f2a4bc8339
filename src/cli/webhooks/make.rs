//! `tidegate webhook create` and `tidegate webhook rotate`

use anyhow::{anyhow, bail};
use clap::builder::BoolishValueParser;
use serde_json::json;
use uuid::Uuid;

use super::{Allowed, found, not_done, shape, standing};
use crate::{
    auth::Vault,
    cli::{
        opened::{ACTOR, Reached},
        print,
        projects::no_project,
    },
    domain::ids::random_uuid,
    store::{
        outbound,
        webhooks::{NewWebhook, NotDone},
    },
    stream::webhooks::{rules, secrets, signing::Secret},
};

/// A webhook to make.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Create {
    /// Uid of the project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT")]
    project: String,
    /// Where messages go: https, on port 443, of the public internet, but for networks that the server allows.
    #[arg(long, env = "TIDEGATE_URL")]
    url: String,
    /// Which types of item it gets, with commas between them, such as purchase,contact.*. Default: all.
    #[arg(long, env = "TIDEGATE_TYPES", value_delimiter = ',')]
    types: Vec<String>,
    /// Uids of the datasources whose items it gets, with commas between them. Default: all.
    #[arg(long, env = "TIDEGATE_DATASOURCES", value_delimiter = ',')]
    datasources: Vec<String>,
    /// What it is for.
    #[arg(long, env = "TIDEGATE_DESCRIPTION", value_parser = rules::description, default_value = "")]
    description: String,
    /// The most messages under way at once; one keeps the order of the stream.
    #[arg(long, env = "TIDEGATE_PARALLEL", value_parser = parallel, default_value = "1", value_name = "N")]
    parallel: i32,
    /// Send nothing yet.
    #[arg(long, env = "TIDEGATE_DISABLED", value_parser = BoolishValueParser::new())]
    disabled: bool,
    #[command(flatten)]
    allowed: Allowed,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// Reads how many messages may be under way at once.
pub(super) fn parallel(text: &str) -> Result<i32, String> {
    rules::parallel(text.parse().map_err(|_| "must be a whole number".to_owned())?)
}

/// Judges patterns of types.
pub(super) fn check_types(types: &[String]) -> anyhow::Result<()> {
    rules::types(types).map_err(|(place, rule)| match place {
        Some(place) => anyhow!("--types: {:?} {rule}", types[place]),
        None => anyhow!("--types {rule}"),
    })
}

pub(super) async fn make(
    reached: &mut Reached<'_>,
    vault: &Vault,
    call: &str,
    create: &Create,
) -> anyhow::Result<()> {
    check_types(&create.types)?;
    let url = create.url.trim();
    let judged = create.allowed.tester(vault, reached).judge(url).await;
    judged.map_err(|rule| anyhow!("--url {rule}"))?;
    let new = NewWebhook {
        id: random_uuid(reached.entropy.as_ref())?,
        project: &create.project,
        url,
        types: &create.types,
        datasources: (!create.datasources.is_empty()).then_some(&create.datasources),
        description: &create.description,
        enabled: !create.disabled,
        parallel: create.parallel,
        whole: true,
        position: outbound::head(&reached.reads()?).await?,
    };
    let entropy = reached.entropy.clone();
    let secret = match secrets::create(reached.client, vault, &new, entropy.as_ref(), ACTOR).await? {
        Ok(secret) => secret,
        Err(NotDone::Absent) => bail!(no_project(call, &create.project)),
        Err(why) => return Err(not_done(&why, call, new.id)),
    };
    told(reached, (vault, call), (new.id, "made"), &secret, create.json).await
}

/// Shows a secret that was just made.
async fn told(
    reached: &mut Reached<'_>,
    (vault, call): (&Vault, &str),
    (id, what): (Uuid, &str),
    secret: &Secret,
    as_json: bool,
) -> anyhow::Result<()> {
    if as_json {
        let webhook = found(reached.client, call, id).await?;
        let mut shape = shape(&webhook, standing(reached, vault, &webhook).await);
        shape["secret"] = json!(secret.text());
        return print::json(&shape);
    }
    print::line(format!("{what} the webhook {id}"));
    print::line(format!("the secret of its signatures, shown this once: {}", secret.text()));
    print::line("\nWhether the receiver takes it, once it knows the secret:");
    print::line(format!("  {call} webhook test {id}"));
    Ok(())
}

pub(super) async fn rotate(
    reached: &mut Reached<'_>,
    vault: &Vault,
    call: &str,
    id: Uuid,
    json: bool,
) -> anyhow::Result<()> {
    let webhook = found(reached.client, call, id).await?;
    let (place, entropy) = ((webhook.project.as_str(), id), reached.entropy.clone());
    let secret = secrets::rotate(reached.client, vault, place, entropy.as_ref(), ACTOR).await?;
    let secret = secret.map_err(|why| not_done(&why, call, id))?;
    told(reached, (vault, call), (id, "made a new secret for"), &secret, json).await
}
