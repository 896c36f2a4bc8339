//! `tidegate webhook …`: receivers of the stream, as `/v1/project/{project}/webhooks` has them.
//!
//! Promises that a secret is shown once, and no URL is stored that a server with the same options would refuse.
//! Must not know how messages are signed or delivered.

mod activity;

mod change;

mod make;

use clap::{Subcommand, builder::BoolishValueParser};
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    confirm,
    opened::{self, ACTOR, Reached},
    print,
};
use crate::{
    auth::Vault,
    config::Global,
    domain::{address::Networks, clock::SystemClock},
    store::webhooks::{self, NotDone, Webhook},
    stream::webhooks::{Options, Tester, standing::Standing},
};

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a webhook, which begins at the head of the stream; its secret is shown this once.
    Create(make::Create),
    /// List the webhooks.
    List {
        /// Only those of this project.
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: Option<String>,
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Show one webhook: what it gets, how it stands, how far it is.
    Show {
        /// Id of the webhook, from `webhook list`.
        #[arg(value_parser = id)]
        id: Uuid,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Change a webhook, disable it or enable it.
    Change(change::Change),
    /// Delete a webhook with all that waits for it.
    Delete {
        /// Id of the webhook, from `webhook list`.
        #[arg(value_parser = id)]
        id: Uuid,
        /// Do not ask.
        #[arg(long, env = "TIDEGATE_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
    },
    /// Make a new secret, which is shown this once; the one before it signs as well for 24 hours.
    Rotate {
        /// Id of the webhook, from `webhook list`.
        #[arg(value_parser = id)]
        id: Uuid,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Send a signed message of the type webhook.test now, and show what became of it.
    Test(activity::Test),
    /// Deliver again: everything behind a cursor or from a time on, or one message.
    Replay(activity::Replay),
    /// List the last attempts to deliver, the latest first.
    Deliveries(activity::List),
    /// List the messages that were given up, the latest first.
    DeadLetters(activity::List),
}

/// Reads the id of a webhook. What it shows of a mistake is never more than clap itself shows.
fn id(text: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| "a webhook's id looks like 0190a5c2-…; `tidegate webhook list` shows them".to_owned())
}

/// Networks of the servers, so that what they would refuse is refused here.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Allowed {
    /// Networks that the servers' --webhook-allow names, with commas between them.
    #[arg(long, env = "TIDEGATE_WEBHOOK_ALLOW", value_delimiter = ',', value_name = "NETWORKS")]
    webhook_allow: Vec<Networks>,
}

impl Allowed {
    fn tester(&self, vault: &Vault, reached: &Reached<'_>) -> Tester {
        let allowed = Networks::of_all(self.webhook_allow.iter().cloned());
        let options = Options { allowed, ..Options::default() };
        Tester::alone(&options, vault.clone(), SystemClock::shared(), reached.entropy.clone())
    }
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let vault = opened::vault(global)?;
    let call = print::call(global);
    opened::reach(global, async |reached| match command {
        Command::Create(create) => make::make(reached, &vault, &call, &create).await,
        Command::List { project, json } => list(reached, (&vault, &call), project.as_deref(), json).await,
        Command::Show { id, json } => {
            let webhook = found(reached.client, &call, id).await?;
            show(&webhook, standing(reached, &vault, &webhook).await, json)
        }
        Command::Change(change) => change::run(reached, &vault, &call, &change).await,
        Command::Delete { id, yes } => delete(reached.client, &call, id, yes).await,
        Command::Rotate { id, json } => make::rotate(reached, &vault, &call, id, json).await,
        Command::Test(test) => activity::test(reached, &vault, &call, &test).await,
        Command::Replay(replay) => activity::replay(reached, &call, &replay).await,
        Command::Deliveries(list) => activity::deliveries(reached.client, &call, &list).await,
        Command::DeadLetters(list) => activity::dead_letters(reached.client, &call, &list).await,
    })
    .await
}

/// What to say of an id that no webhook has.
fn no_webhook(call: &str, id: Uuid) -> String {
    format!("no webhook has the id {id}; `{call} webhook list` shows them")
}

/// The webhook of this id.
async fn found(client: &Client, call: &str, id: Uuid) -> anyhow::Result<Webhook> {
    webhooks::find(client, None, id).await?.ok_or_else(|| anyhow::anyhow!(no_webhook(call, id)))
}

/// What went wrong, with what to type next.
fn not_done(why: &NotDone, call: &str, id: Uuid) -> anyhow::Error {
    match why {
        NotDone::Absent => anyhow::anyhow!(no_webhook(call, id)),
        NotDone::NoDatasource(place) => anyhow::anyhow!(
            "the project has no datasource like number {} of --datasources; `{call} datasource list` shows them",
            place + 1
        ),
        NotDone::TooMany => anyhow::anyhow!("a project may have {} webhooks at the most", webhooks::MOST),
    }
}

async fn standing(reached: &Reached<'_>, vault: &Vault, webhook: &Webhook) -> Standing {
    let tester = Allowed { webhook_allow: Vec::new() }.tester(vault, reached);
    Standing::of(webhook, &tester).await
}

async fn list(
    reached: &mut Reached<'_>,
    (vault, call): (&Vault, &str),
    project: Option<&str>,
    json: bool,
) -> anyhow::Result<()> {
    super::projects::check(reached.client, call, project).await?;
    let webhooks = webhooks::page(reached.client, project, None, i64::MAX).await?.unwrap_or_default();
    let mut standings = Vec::with_capacity(webhooks.len());
    for webhook in &webhooks {
        standings.push(standing(reached, vault, webhook).await);
    }
    let all = webhooks.iter().zip(standings);
    if json {
        return print::json(&all.map(|(webhook, standing)| shape(webhook, standing)).collect::<Vec<_>>());
    }
    let rows = all.map(|(webhook, standing)| {
        let name = standing.name().to_owned();
        let waiting = format!("{} / {}", webhook.pending, webhook.dead_letters);
        vec![
            webhook.id.to_string(),
            webhook.project.clone(),
            host(&webhook.url),
            name,
            waiting,
            webhook.description.clone(),
        ]
    });
    let hint = format!(
        "There is no webhook yet; `{call} webhook create --project {} --url URL` makes one.",
        project.unwrap_or("proj_…")
    );
    print::table(&["ID", "PROJECT", "TO", "STATE", "PENDING / DEAD", "DESCRIPTION"], rows.collect(), &hint);
    Ok(())
}

/// The beginning of a URL, without what may be a secret.
fn host(url: &str) -> String {
    let end = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[end..];
    format!("{}{}", &url[..end], &rest[..rest.find(['/', '?']).unwrap_or(rest.len())])
}

fn show(webhook: &Webhook, standing: Standing, json: bool) -> anyhow::Result<()> {
    if json {
        return print::json(&shape(webhook, standing));
    }
    let all = |texts: &[String]| if texts.is_empty() { "all".to_owned() } else { texts.join(", ") };
    let time = |at: Option<jiff::Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    print::fields(&[
        ("id", webhook.id.to_string()),
        ("project", webhook.project.clone()),
        ("url", webhook.url.clone()),
        ("types", all(&webhook.types)),
        ("datasources", webhook.datasources.as_deref().map_or_else(|| "all".into(), |uids| uids.join(", "))),
        ("description", webhook.description.clone()),
        ("state", standing.name().into()),
        ("note", standing.note(webhook).unwrap_or_default().into()),
        ("parallel", webhook.parallel.to_string()),
        ("whole contacts", webhook.whole.to_string()),
        ("position", webhook.position.encode()),
        ("pending", webhook.pending.to_string()),
        ("dead letters", webhook.dead_letters.to_string()),
        ("failures", webhook.failures.to_string()),
        ("last success", time(webhook.success_at)),
        ("last failure", time(webhook.failure_at)),
        ("made", format!("{} by {}", webhook.created_at, webhook.created_by)),
        ("changed", webhook.updated_at.to_string()),
    ]);
    Ok(())
}

async fn delete(client: &mut Client, call: &str, id: Uuid, yes: bool) -> anyhow::Result<()> {
    let webhook = found(client, call, id).await?;
    confirm::ask(
        &format!("delete the webhook {id} to {} with all that waits for it", host(&webhook.url)),
        yes,
    )?;
    anyhow::ensure!(webhooks::delete(client, (&webhook.project, id), ACTOR).await?, no_webhook(call, id));
    print::line(format!("deleted the webhook {id}"));
    Ok(())
}

/// The members that the API shows, and the project.
fn shape(webhook: &Webhook, standing: Standing) -> Value {
    json!({
        "id": webhook.id,
        "project": webhook.project,
        "url": webhook.url,
        "types": webhook.types,
        "datasources": webhook.datasources,
        "description": webhook.description,
        "enabled": webhook.enabled,
        "parallel": webhook.parallel,
        "whole": webhook.whole,
        "state": standing.name(),
        "note": standing.note(webhook),
        "position": webhook.position.encode(),
        "skippedAt": webhook.skipped_at,
        "failures": webhook.failures,
        "lastSuccessAt": webhook.success_at,
        "lastFailureAt": webhook.failure_at,
        "pending": webhook.pending,
        "deadLetters": webhook.dead_letters,
        "createdAt": webhook.created_at,
        "createdBy": webhook.created_by,
        "updatedAt": webhook.updated_at,
    })
}
