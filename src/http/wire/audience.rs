//! Contacts and their events, as the whole project sees them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// `GET …/audience/…`: one contact.
#[derive(Debug, Serialize)]
pub(in crate::http) struct PersonAnswer<'a> {
    pub(in crate::http) entity: Person,
    pub(in crate::http) metadata: Found<'a>,
}

/// A contact with its attributes beside its id.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Person {
    /// The contact's own id, a UUID.
    pub(in crate::http) id: String,
    /// `_user_id`, every attribute that is set, `_contact_id`, `_created_at` and `_updated_at`.
    #[serde(flatten)]
    pub(in crate::http) attributes: BTreeMap<String, Box<RawValue>>,
}

/// Where a contact was found.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Found<'a> {
    /// Uid of its datasource.
    pub(in crate::http) datasource: &'a str,
    /// How many contacts of the project match; the one with the foremost datasource is shown.
    pub(in crate::http) matches: i64,
}

/// `GET …/audience/{contactId}/events`.
#[derive(Debug, Serialize)]
pub(in crate::http) struct TimelineAnswer<'a> {
    pub(in crate::http) entities: Vec<TimelineItem<'a>>,
    pub(in crate::http) metadata: Older,
}

/// How to go on.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Older {
    /// To be sent as `after` for the events before these; `null` when there are none.
    pub(in crate::http) cursor: Option<String>,
}

/// One event of a contact, in the shape of the outbound stream.
#[derive(Debug, Serialize)]
pub(in crate::http) struct TimelineItem<'a> {
    pub(in crate::http) cursor: String,
    pub(in crate::http) kind: &'static str,
    pub(in crate::http) r#type: String,
    pub(in crate::http) datasource: &'a str,
    #[serde(rename = "_user_id")]
    pub(in crate::http) user_id: &'a str,
    #[serde(rename = "_event_id")]
    pub(in crate::http) event_id: String,
    #[serde(rename = "_event_date")]
    pub(in crate::http) event_date: Timestamp,
    #[serde(rename = "receivedAt")]
    pub(in crate::http) received_at: Timestamp,
    pub(in crate::http) parameters: Box<RawValue>,
}
