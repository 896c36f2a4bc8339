//! Contacts, as their datasource sees them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::ContactData;

/// `GET /stream/contacts/{user_id}`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ContactAnswer {
    pub(in crate::http) contact: ContactShape,
}

/// A stored contact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact)]
pub(in crate::http) struct ContactShape {
    /// The server's own identifier of the contact.
    #[schema(format = "uuid")]
    pub(in crate::http) contact_id: String,
    #[schema(value_type = ContactData)]
    pub(in crate::http) contact_data: BTreeMap<String, Box<RawValue>>,
    /// When it was first stored.
    pub(in crate::http) created_at: Timestamp,
    /// When it last changed.
    pub(in crate::http) updated_at: Timestamp,
}
