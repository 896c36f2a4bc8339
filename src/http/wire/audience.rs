//! Contacts and their events, as the whole project sees them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::PersonData;

/// `GET …/audience/…`: one contact.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct PersonAnswer<'a> {
    #[schema(value_type = PersonData)]
    pub(in crate::http) entity: Person,
    pub(in crate::http) metadata: Found<'a>,
}

/// A contact with its attributes beside its id; its schema is [`PersonData`].
#[derive(Debug, Serialize)]
pub(in crate::http) struct Person {
    /// The contact's own id, a UUID.
    pub(in crate::http) id: String,
    /// `_user_id`, every attribute that is set, `_contact_id`, `_created_at` and `_updated_at`.
    #[serde(flatten)]
    pub(in crate::http) attributes: BTreeMap<String, Box<RawValue>>,
}

/// Where a contact was found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Found<'a> {
    /// Uid of its datasource.
    pub(in crate::http) datasource: &'a str,
    /// How many contacts of the project match, 100 where there are more; one of the foremost datasource is shown.
    #[schema(minimum = 1, maximum = 100)]
    pub(in crate::http) matches: i64,
}

/// `GET …/audience/{contactId}/events`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct TimelineAnswer<'a> {
    pub(in crate::http) entities: Vec<TimelineItem<'a>>,
    pub(in crate::http) metadata: Older,
}

/// How to go on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Older {
    /// To be sent as `after` for the events before these; `null` when there are none.
    #[schema(required = true)]
    pub(in crate::http) cursor: Option<String>,
}

/// One event of a contact, in the shape of the outbound stream.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct TimelineItem<'a> {
    /// Where it stands; sent as `after`, it leads to the events before it.
    pub(in crate::http) cursor: String,
    /// Always `event` here.
    pub(in crate::http) kind: &'static str,
    /// The event type.
    pub(in crate::http) r#type: String,
    /// Uid of its datasource.
    pub(in crate::http) datasource: &'a str,
    #[serde(rename = "_user_id")]
    pub(in crate::http) user_id: &'a str,
    #[serde(rename = "_event_id")]
    pub(in crate::http) event_id: String,
    #[serde(rename = "_event_date")]
    pub(in crate::http) event_date: Timestamp,
    #[serde(rename = "receivedAt")]
    pub(in crate::http) received_at: Timestamp,
    /// What was sent, in its stored form.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    pub(in crate::http) parameters: Box<RawValue>,
}
