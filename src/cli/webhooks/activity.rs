//! `tidegate webhook test`, `replay`, `deliveries` and `dead-letters`

use anyhow::{anyhow, bail, ensure};
use clap::builder::{BoolishValueParser, RangedI64ValueParser};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Allowed, found, id, not_done};
use crate::{
    auth::Vault,
    cli::{
        opened::{ACTOR, Reached},
        print,
    },
    domain::{
        clock::SystemClock,
        cursor::Cursor,
        date::{NOT_A_TIME, datetime},
    },
    store::{
        epochs::{self, Position},
        outbound, projects, retention,
        webhooks::record::{self, Attempt},
    },
    stream::webhooks::{item_at, message, takes},
};

/// A test message.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Test {
    /// Id of the webhook, from `webhook list`.
    #[arg(value_parser = id)]
    id: Uuid,
    #[command(flatten)]
    allowed: Allowed,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// What to deliver again; one of the three.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Replay {
    /// Id of the webhook, from `webhook list`.
    #[arg(value_parser = id)]
    id: Uuid,
    /// Everything behind this cursor of the stream.
    #[arg(long, env = "TIDEGATE_AFTER", value_name = "CURSOR", conflicts_with_all = ["from", "message"])]
    after: Option<String>,
    /// Everything that was received at this time or later, such as 2026-11-20T12:00:00Z.
    #[arg(long, env = "TIDEGATE_FROM", value_name = "TIME", value_parser = time, conflicts_with = "message")]
    from: Option<Timestamp>,
    /// This one message, by its id, from `webhook deliveries` or `webhook dead-letters`.
    #[arg(long, env = "TIDEGATE_MESSAGE", value_name = "ID")]
    message: Option<String>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    datetime(text).ok_or_else(|| NOT_A_TIME.to_owned())
}

/// A list of what became of messages.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    /// Id of the webhook, from `webhook list`.
    #[arg(value_parser = id)]
    id: Uuid,
    /// How many at most.
    #[arg(long, env = "TIDEGATE_LIMIT", default_value = "100", value_name = "N",
          value_parser = RangedI64ValueParser::<i64>::new().range(1..=10_000))]
    limit: i64,
    /// Print a JSON array.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

fn shape(attempt: &Attempt) -> Value {
    json!({
        "message": attempt.message, "type": attempt.kind, "at": attempt.at, "attempt": attempt.attempt,
        "status": attempt.status, "latencyMs": attempt.latency_ms, "error": attempt.error,
    })
}

pub(super) async fn test(
    reached: &mut Reached<'_>,
    vault: &Vault,
    call: &str,
    test: &Test,
) -> anyhow::Result<()> {
    let webhook = found(reached.client, call, test.id).await?;
    let attempt = test.allowed.tester(vault, reached).test(&webhook).await?;
    record::log_one(reached.client, webhook.id, &attempt).await?;
    if test.json {
        print::json(&shape(&attempt))?;
    }
    match (&attempt.error, attempt.status) {
        (Some(error), _) => bail!("the test message was not taken: {error}"),
        (None, status) if !test.json => {
            let status = status.unwrap_or_default();
            print::line(format!(
                "the receiver took the test message: {status}, after {} ms",
                attempt.latency_ms
            ));
        }
        (None, _) => {}
    }
    Ok(())
}

pub(super) async fn replay(reached: &mut Reached<'_>, call: &str, replay: &Replay) -> anyhow::Result<()> {
    let webhook = found(reached.client, call, replay.id).await?;
    let (place, reads) = ((webhook.project.as_str(), webhook.id), reached.reads()?);
    let project = projects::row(reached.client, &webhook.project).await?;
    let project = project.ok_or_else(|| anyhow!("the project of the webhook is gone"))?;
    let done = match (&replay.after, replay.from, &replay.message) {
        (Some(after), None, None) => {
            let cursor = Cursor::decode(after).map_err(|error| anyhow!("--after {error}"))?;
            let standing = epochs::standing_of(&reads, cursor).await?;
            ensure!(
                standing == Position::Current,
                "--after is no cursor of this database's stream as it is now"
            );
            let begins = retention::floor(&reads, project).await?;
            ensure!(
                begins.is_none_or(|begins| begins <= cursor),
                "--after is older than what the project keeps"
            );
            record::rewind(reached.client, place, cursor, ACTOR).await?
        }
        (None, Some(from), None) => {
            let cursor = outbound::since(&reads, project, from).await?;
            record::rewind(reached.client, place, cursor, ACTOR).await?
        }
        (None, None, Some(text)) => {
            let cursor =
                message::cursor_of(text).ok_or_else(|| anyhow!("--message is no id of a message"))?;
            let item = item_at(&reads, project, cursor).await?;
            let item = item.ok_or_else(|| anyhow!("the stream holds no such item any more"))?;
            ensure!(
                takes(&webhook, &item),
                "the webhook does not ask for such items; see its types and datasources"
            );
            let now = SystemClock::shared().now();
            record::again(reached.client, place, (cursor, item.received_at), now, ACTOR).await?
        }
        _ => bail!("give one of --after, --from and --message"),
    };
    done.map_err(|why| not_done(&why, call, replay.id))?;
    print::line(format!("the webhook {} delivers again; a running server begins within a second", replay.id));
    Ok(())
}

fn status(status: Option<i32>) -> String {
    status.map_or_else(|| "–".into(), |status| status.to_string())
}

pub(super) async fn deliveries(client: &mut Client, call: &str, list: &List) -> anyhow::Result<()> {
    let webhook = found(client, call, list.id).await?;
    let found = record::deliveries(client, webhook.id, None, list.limit).await?;
    if list.json {
        return print::json(&found.iter().map(|(_, attempt)| shape(attempt)).collect::<Vec<_>>());
    }
    let rows = found.into_iter().map(|(_, one)| {
        let (attempt, latency) = (one.attempt.to_string(), format!("{} ms", one.latency_ms));
        let error = one.error.unwrap_or_default();
        vec![one.at.to_string(), one.message, one.kind, attempt, status(one.status), latency, error]
    });
    let header = ["AT", "MESSAGE", "TYPE", "ATTEMPT", "STATUS", "LATENCY", "ERROR"];
    print::table(&header, rows.collect(), "Nothing was sent yet, or it was more than a week ago.");
    Ok(())
}

pub(super) async fn dead_letters(client: &mut Client, call: &str, list: &List) -> anyhow::Result<()> {
    let webhook = found(client, call, list.id).await?;
    let found = record::dead_letters(client, webhook.id, None, list.limit).await?;
    if list.json {
        let shape = |letter: &record::DeadLetter| {
            json!({
                "message": message::id_of(letter.cursor), "type": letter.kind, "cursor": letter.cursor.encode(),
                "at": letter.at, "attempts": letter.attempts, "status": letter.status, "error": letter.error,
            })
        };
        return print::json(&found.iter().map(shape).collect::<Vec<_>>());
    }
    let rows = found.into_iter().map(|one| {
        let (message, attempts) = (message::id_of(one.cursor), one.attempts.to_string());
        vec![
            one.at.to_string(),
            message,
            one.kind,
            attempts,
            status(one.status),
            one.error.unwrap_or_default(),
        ]
    });
    let header = ["AT", "MESSAGE", "TYPE", "ATTEMPTS", "STATUS", "ERROR"];
    print::table(&header, rows.collect(), "No message was given up.");
    Ok(())
}
