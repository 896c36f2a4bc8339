//! Webhooks, as those who manage them see them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Next, ParallelDeliveries, ReceiverUrl, WebhookState, Whole, nullable};
use crate::{
    store::webhooks::{
        Webhook,
        record::{Attempt, DeadLetter},
    },
    stream::webhooks::{message::id_of, standing::Standing},
};

/// An endpoint of a webhook. Its secret is shown by the answer that made it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(in crate::http) struct WebhookShape<'a> {
    /// Its name in paths.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// Where messages go.
    url: &'a str,
    /// Which types of item it gets; `*` at the end makes a beginning of one. Empty: every type.
    types: &'a [String],
    /// Uids of the datasources whose items it gets; `null`: all of them.
    #[schema(required = true)]
    datasources: Option<&'a [String]>,
    /// What it is for; may be empty.
    description: &'a str,
    /// Whether messages are sent. One that is not keeps its position.
    enabled: bool,
    #[schema(value_type = ParallelDeliveries)]
    parallel: i32,
    /// Whether it gets e-mail addresses and phone numbers whole: whoever made it had `PROJECT_AUDIENCE_DATA_BASIC`.
    whole: bool,
    #[schema(value_type = WebhookState)]
    state: &'static str,
    /// What to know or do about its state; `null` where there is nothing.
    #[schema(required = true)]
    note: Option<&'a str>,
    /// How far it is in the stream: everything up to here was delivered, waits to be sent again, or is a dead letter.
    position: String,
    /// When it last had to pass over items that are no longer kept.
    #[schema(required = true)]
    skipped_at: Option<Timestamp>,
    /// Attempts that failed since one succeeded.
    failures: i32,
    /// When an attempt last succeeded.
    #[schema(required = true)]
    last_success_at: Option<Timestamp>,
    /// When one last failed.
    #[schema(required = true)]
    last_failure_at: Option<Timestamp>,
    /// Messages that wait to be sent again.
    pending: i64,
    /// Messages that were given up.
    dead_letters: i64,
    /// Until when the secret before this one signs as well.
    #[schema(required = true)]
    previous_secret_until: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// Who made it.
    created_by: &'a str,
    /// When it was last changed.
    updated_at: Timestamp,
    /// What its messages are signed with, in the answer that made it and never again: `whsec_` and base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    secret: Option<String>,
}

impl<'a> WebhookShape<'a> {
    /// As it stands at a moment.
    pub(in crate::http) fn of(webhook: &'a Webhook, standing: Standing, now: Timestamp) -> Self {
        let before = webhook.before.as_ref().map(|(_, until)| *until);
        Self {
            id: webhook.id,
            url: &webhook.url,
            types: &webhook.types,
            datasources: webhook.datasources.as_deref(),
            description: &webhook.description,
            enabled: webhook.enabled,
            parallel: webhook.parallel,
            whole: webhook.whole,
            state: standing.name(),
            note: standing.note(webhook),
            position: webhook.position.encode(),
            skipped_at: webhook.skipped_at,
            failures: webhook.failures,
            last_success_at: webhook.success_at,
            last_failure_at: webhook.failure_at,
            pending: webhook.pending,
            dead_letters: webhook.dead_letters,
            previous_secret_until: before.filter(|until| now < *until),
            created_at: webhook.created_at,
            created_by: &webhook.created_by,
            updated_at: webhook.updated_at,
            secret: None,
        }
    }

    /// With its secret, for the answer that made that.
    pub(in crate::http) fn with_secret(self, secret: String) -> Self {
        Self { secret: Some(secret), ..self }
    }
}

/// A page of webhooks, in the order in which they were made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct WebhookPage<'a> {
    pub(in crate::http) entities: Vec<WebhookShape<'a>>,
    pub(in crate::http) metadata: Next,
}

/// The body of a new webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub(in crate::http) struct NewWebhookBody {
    #[schema(value_type = ReceiverUrl)]
    pub(in crate::http) url: String,
    /// Which types of item it gets; `*` at the end makes a beginning of one. Default: every type.
    #[serde(default)]
    pub(in crate::http) types: Vec<String>,
    /// Uids of the datasources whose items it gets, at least one. Default: all of them.
    #[schema(min_items = 1)]
    pub(in crate::http) datasources: Option<Vec<String>>,
    /// What it is for.
    #[serde(default)]
    pub(in crate::http) description: String,
    /// Whether messages are sent. Default: `true`.
    pub(in crate::http) enabled: Option<bool>,
    #[schema(value_type = Option<ParallelDeliveries>)]
    pub(in crate::http) parallel: Option<Whole<i64>>,
}

/// The body of a change of a webhook; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct WebhookChange {
    /// What waits is sent there at once.
    #[schema(value_type = Option<ReceiverUrl>)]
    pub(in crate::http) url: Option<String>,
    /// Which types of item it gets; empty: every type.
    pub(in crate::http) types: Option<Vec<String>>,
    /// Uids of the datasources whose items it gets, at least one; `null`: all of them.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub(in crate::http) datasources: Option<Option<Vec<String>>>,
    /// What it is for.
    pub(in crate::http) description: Option<String>,
    /// Whether messages are sent. It goes on where it was; what waits is sent at once.
    pub(in crate::http) enabled: Option<bool>,
    #[schema(value_type = Option<ParallelDeliveries>)]
    pub(in crate::http) parallel: Option<Whole<i64>>,
}

/// The body of a replay; one of its members.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WebhookReplay {
    /// A cursor of the stream: everything behind it is delivered, again or for the first time.
    pub(in crate::http) after: Option<String>,
    /// A time: everything that was received then or later is.
    #[schema(value_type = Option<Timestamp>)]
    pub(in crate::http) from: Option<String>,
    /// The id of a message (`webhook-id`): it alone is sent again.
    pub(in crate::http) message: Option<String>,
}

/// One attempt to deliver a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub(in crate::http) struct DeliveryShape {
    /// The id of the message, `webhook-id`.
    message: String,
    /// The type of the item, or `webhook.test`.
    r#type: String,
    /// When it began.
    at: Timestamp,
    /// Which one it was, from 1.
    attempt: i32,
    /// The status that was answered; `null` where there was no answer.
    #[schema(required = true)]
    status: Option<i32>,
    /// Milliseconds until then, or until it failed.
    latency_ms: i32,
    /// What was wrong; `null` where it was taken.
    #[schema(required = true)]
    error: Option<String>,
}

impl From<Attempt> for DeliveryShape {
    fn from(attempt: Attempt) -> Self {
        let Attempt { at, message, kind, attempt, status, latency_ms, error } = attempt;
        Self { message, r#type: kind, at, attempt, status, latency_ms, error }
    }
}

/// A page of attempts, the latest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub(in crate::http) struct DeliveryPage {
    pub(in crate::http) entities: Vec<DeliveryShape>,
    pub(in crate::http) metadata: Next,
}

/// A message that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDeadLetter)]
pub(in crate::http) struct DeadLetterShape {
    /// The id of the message, `webhook-id`.
    message: String,
    /// The type of the item.
    r#type: String,
    /// The place of the item in the stream.
    cursor: String,
    /// When it was given up.
    at: Timestamp,
    /// How often it was sent.
    attempts: i32,
    /// The status that was answered last; `null` where there was no answer.
    #[schema(required = true)]
    status: Option<i32>,
    /// What was wrong then.
    #[schema(required = true)]
    error: Option<String>,
}

impl From<DeadLetter> for DeadLetterShape {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { at, cursor, kind, attempts, status, error, .. } = letter;
        Self { message: id_of(cursor), r#type: kind, cursor: cursor.encode(), at, attempts, status, error }
    }
}

/// A page of messages that were given up, the latest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeadLetterPage)]
pub(in crate::http) struct DeadLetterPage {
    pub(in crate::http) entities: Vec<DeadLetterShape>,
    pub(in crate::http) metadata: Next,
}
