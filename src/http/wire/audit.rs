//! What a sender holds against what it sent.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::sums::Minute;

/// `GET /audit`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Audit)]
pub(in crate::http) struct AuditAnswer {
    /// The beginning of the first minute that was asked for.
    pub(in crate::http) from: Timestamp,
    /// The end of the last minute that was asked for.
    pub(in crate::http) to: Timestamp,
    /// The minutes that hold anything, in order.
    pub(in crate::http) minutes: Vec<AuditMinute>,
}

/// What was stored in one minute of the server's clock.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct AuditMinute {
    /// Its beginning.
    minute: Timestamp,
    /// Events.
    events: i64,
    /// Sum modulo 2⁶⁴ of the first 8 bytes, big-endian, of SHA-256 of each `_event_id`; 16 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    id_sum: String,
    /// Changes of contacts: made, changed or deleted.
    contacts: i64,
    /// The same sum over the `_user_id` of each of these changes.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    contact_id_sum: String,
}

impl From<Minute> for AuditMinute {
    fn from(minute: Minute) -> Self {
        Self {
            minute: minute.at,
            events: minute.events,
            id_sum: format!("{:016x}", minute.id_sum),
            contacts: minute.contacts,
            contact_id_sum: format!("{:016x}", minute.contact_sum),
        }
    }
}
