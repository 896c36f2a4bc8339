//! `tidegate webhook change`

use anyhow::{anyhow, ensure};
use uuid::Uuid;

use super::{Allowed, found, id, make, not_done};
use crate::{
    auth::Vault,
    cli::{
        opened::{ACTOR, Reached},
        print,
    },
    store::webhooks::{self, WebhookPatch},
    stream::webhooks::rules,
};

/// What to change of a webhook.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Change {
    /// Id of the webhook, from `webhook list`.
    #[arg(value_parser = id)]
    id: Uuid,
    /// Where messages go. What waits is sent there at once.
    #[arg(long, env = "TIDEGATE_URL")]
    url: Option<String>,
    /// Which types of item it gets, with commas between them; `all` for every type.
    #[arg(long, env = "TIDEGATE_TYPES", value_delimiter = ',')]
    types: Vec<String>,
    /// Uids of the datasources whose items it gets, with commas between them; `all` for every one.
    #[arg(long, env = "TIDEGATE_DATASOURCES", value_delimiter = ',')]
    datasources: Vec<String>,
    /// What it is for.
    #[arg(long, env = "TIDEGATE_DESCRIPTION", value_parser = rules::description)]
    description: Option<String>,
    /// The most messages under way at once; one keeps the order of the stream.
    #[arg(long, env = "TIDEGATE_PARALLEL", value_parser = make::parallel, value_name = "N")]
    parallel: Option<i32>,
    /// Whether messages are sent: true or false. It goes on where it was.
    #[arg(long, env = "TIDEGATE_ENABLED", value_name = "BOOL")]
    enabled: Option<bool>,
    #[command(flatten)]
    allowed: Allowed,
}

/// A list of names; `all` is none of them, and nothing leaves what is there.
fn names(given: &[String]) -> Option<Vec<String>> {
    match given {
        [] => None,
        [one] if one == "all" => Some(Vec::new()),
        names => Some(names.to_vec()),
    }
}

pub(super) async fn run(
    reached: &mut Reached<'_>,
    vault: &Vault,
    call: &str,
    change: &Change,
) -> anyhow::Result<()> {
    let patch = WebhookPatch {
        url: change.url.as_deref().map(|url| url.trim().to_owned()),
        types: names(&change.types),
        datasources: names(&change.datasources).map(|uids| (!uids.is_empty()).then_some(uids)),
        description: change.description.clone(),
        enabled: change.enabled,
        parallel: change.parallel,
    };
    ensure!(patch != WebhookPatch::default(), "nothing to change: give at least one option");
    make::check_types(patch.types.as_deref().unwrap_or_default())?;
    if let Some(url) = &patch.url {
        let judged = change.allowed.tester(vault, reached).judge(url).await;
        judged.map_err(|rule| anyhow!("--url {rule}"))?;
    }
    let webhook = found(reached.client, call, change.id).await?;
    let done = webhooks::change(reached.client, (&webhook.project, webhook.id), &patch, ACTOR).await?;
    done.map_err(|why| not_done(&why, call, change.id))?;
    print::line(format!("changed the webhook {}", change.id));
    Ok(())
}
