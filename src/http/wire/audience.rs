//! Contacts and their events, as the whole project sees them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::stream::item::StreamItem;

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
pub(in crate::http) struct TimelineAnswer {
    /// Events alone, in the shape of the outbound stream; sent as `after`, the cursor of one leads to those before it.
    pub(in crate::http) entities: Vec<StreamItem>,
    pub(in crate::http) metadata: Older,
}

/// How to go on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Older {
    /// To be sent as `after` for the events before these; `null` when there are none.
    #[schema(required = true)]
    pub(in crate::http) cursor: Option<String>,
}
