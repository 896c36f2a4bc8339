//! Single requests before and after a load: what time it is at the server, and its audit.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::time::sleep;

use super::{
    Frame, Sum,
    answer::Minute,
    endpoint::Endpoint,
    exchange::{Buffers, Connection},
    options::{Options, What},
    patience::Patience,
};

/// How often a request is sent again that the server has no room for.
const TRIES: usize = 20;

/// A wait for which the server names no time.
const PAUSE: Duration = Duration::from_secs(1);

/// The server of a load, asked one thing at a time.
pub(super) struct Single<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) options: &'a Options,
}

/// What the server says before anything is stored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Greeting {
    /// The uid behind an alias.
    pub(super) datasource_uid: String,
    pub(super) receipt: Receipt,
}

/// The part of a receipt that matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    /// The server's clock.
    pub(super) received_at: jiff::Timestamp,
}

/// What is stored in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) events: Sum,
    pub(super) contacts: Sum,
}

#[derive(Deserialize)]
struct Audit {
    minutes: Vec<AuditMinute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditMinute {
    minute: String,
    events: u64,
    id_sum: String,
    contacts: u64,
    contact_id_sum: String,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

impl Single<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/v1/project/{}/datasource/{}{rest}", self.options.project, self.options.datasource)
    }

    /// A dry run of one item, which stores nothing: whether the key may write, and what time it is there.
    pub(super) async fn greet(&self, run: &str) -> anyhow::Result<Greeting> {
        let item = match self.options.kind {
            What::Events => {
                format!(r#"[{{"_user_id":"{run}","_event_id":"{run}","_event_type":"purchase"}}]"#)
            }
            What::Contacts => format!(r#"[{{"_user_id":"{run}"}}]"#),
        };
        let path = self.path(&format!("/stream/{}?_dryRun", self.options.kind.path()));
        let request = Frame::post(self.endpoint, &path, &self.options.key, false).around(item.as_bytes());
        let body = self.ask(&request).await?;
        serde_json::from_slice(&body).context("--url: this is no Tidegate server: its answer has no receipt")
    }

    /// What is stored from one time up to another, by the minute.
    pub(super) async fn audit(
        &self,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> anyhow::Result<BTreeMap<Minute, Stored>> {
        let path = self.path(&format!("/audit?from={from}&to={to}"));
        let request = format!(
            "GET {}{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
            self.endpoint.path(),
            self.endpoint.authority(),
            self.options.key.reveal(),
        );
        let body = self.ask(request.as_bytes()).await.context("the audit cannot be read")?;
        let audit: Audit = serde_json::from_slice(&body).context("the audit cannot be read")?;
        let word = |text: &str| u64::from_str_radix(text, 16).context("a sum of the audit cannot be read");
        let minute = |found: &AuditMinute| {
            let begin = found.minute.as_bytes().first_chunk().copied();
            let events = Sum { count: found.events, sum: word(&found.id_sum)? };
            let contacts = Sum { count: found.contacts, sum: word(&found.contact_id_sum)? };
            Ok((begin.context("a minute of the audit cannot be read")?, Stored { events, contacts }))
        };
        audit.minutes.iter().map(minute).collect()
    }

    /// Sends a request until it is answered, and gives the body of a good answer.
    async fn ask(&self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let authority = self.endpoint.authority();
        let mut tries = 0;
        loop {
            tries += 1;
            let stream = self.endpoint.connect(self.options.timeout).await;
            let stream = stream.with_context(|| {
                format!("no connection to {authority}; is the server running, and is --url right?")
            })?;
            let mut connection = Connection::new(stream, Buffers::default());
            let exchanged = Patience::new(self.options.timeout).hold(connection.exchange(request)).await;
            let exchanged = exchanged.with_context(|| format!("{authority} did not answer in time"))?;
            let answer = exchanged.with_context(|| format!("{authority} did not answer as HTTP/1.1"))?.answer;
            match answer.status {
                200..=299 => return Ok(answer.body.to_vec()),
                429 | 503 if tries < TRIES => sleep(answer.retry_after.unwrap_or(PAUSE)).await,
                status => bail!(explained(status, answer.body)),
            }
        }
    }
}

/// What an answer means for the person who typed the command.
pub(super) fn explained(status: u16, body: &[u8]) -> String {
    let problem = serde_json::from_slice::<Problem>(body).ok().filter(|problem| !problem.code.is_empty());
    let said =
        problem.map_or_else(|| status.to_string(), |said| format!("{status} {}: {}", said.code, said.detail));
    let hint = match status {
        401 => "the server does not take the key: check --key and that it is not revoked",
        403 => "the key lacks a scope: writing takes PROJECT_INGEST_WRITE, --verify also PROJECT_INGEST_READ",
        404 => "there is no such datasource within the reach of the key: check --project and --datasource",
        300..=399 => "the server sends elsewhere, and redirects are not followed: check --url",
        _ => "the server refuses",
    };
    format!("{hint} ({said})")
}
