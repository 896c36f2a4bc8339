//! Contacts, as their datasource sees them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// `GET /stream/contacts/{user_id}`.
#[derive(Debug, Serialize)]
pub(in crate::http) struct ContactAnswer {
    pub(in crate::http) contact: ContactShape,
}

/// A stored contact.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ContactShape {
    pub(in crate::http) contact_id: String,
    pub(in crate::http) contact_data: BTreeMap<String, Box<RawValue>>,
    pub(in crate::http) created_at: Timestamp,
    pub(in crate::http) updated_at: Timestamp,
}
