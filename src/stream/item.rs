//! An item of the stream as it is written for readers: the same JSON in pages, live, in webhooks and in exports.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::mask::{self, Sight};
use crate::{
    domain::catalogue::Catalogue,
    store::{log::Kind, outbound::Item},
};

/// An item as it is told to one reader: the members in the order of the contract.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamItem {
    /// Where it stands in the order.
    cursor: String,
    /// `event`, or `contact` for a change of a contact.
    #[schema(pattern = "^(event|contact)$")]
    kind: &'static str,
    /// The event type; `contact.created`, `contact.updated` or `contact.deleted`.
    r#type: String,
    /// Uid of its datasource.
    datasource: String,
    /// The sender's id of the contact.
    #[serde(rename = "_user_id")]
    user_id: String,
    /// The sender's id of the event; `null` for a change of a contact.
    #[serde(rename = "_event_id")]
    #[schema(required = true)]
    event_id: Option<String>,
    /// When it happened, by the sender's word.
    #[serde(rename = "_event_date")]
    event_date: Timestamp,
    /// When it was stored, by the server's clock.
    received_at: Timestamp,
    /// Of an event: what was sent, in its stored form; empty once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>, required = false)]
    parameters: Option<Box<RawValue>>,
    /// Of a contact: each field that changed, with its value `from` before and `to` after; empty once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>, required = false)]
    changed: Option<Box<RawValue>>,
}

impl StreamItem {
    /// Makes an item what a reader with this sight is told: an event with its `parameters`, a change of a contact with what
    /// `changed`.
    ///
    /// # Errors
    /// When what is stored is no JSON object, which is a defect.
    pub fn of(item: Item, sight: Sight, catalogue: &Catalogue) -> serde_json::Result<Self> {
        let (parameters, changed) = match item.kind {
            Kind::Event => {
                let spec = catalogue.event(&item.event_type);
                (Some(mask::seen_parameters(sight, spec, item.body)?), None)
            }
            Kind::Contact => (None, Some(mask::seen_changes(sight, catalogue, item.body)?)),
        };
        Ok(Self {
            cursor: item.cursor.encode(),
            kind: kind(item.kind),
            r#type: item.event_type,
            datasource: item.datasource,
            user_id: item.user_id,
            event_id: item.event_id,
            event_date: item.occurred_at,
            received_at: item.received_at,
            parameters,
            changed,
        })
    }
}

/// Writes an item as a JSON object on one line.
///
/// # Errors
/// As [`StreamItem::of`].
pub fn write(item: &Item, sight: Sight, catalogue: &Catalogue) -> serde_json::Result<String> {
    serde_json::to_string(&StreamItem::of(item.clone(), sight, catalogue)?)
}

/// The name of a kind.
const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Event => "event",
        Kind::Contact => "contact",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cursor::Cursor;

    fn item(kind: Kind, event_type: &str, body: &str) -> Item {
        Item {
            cursor: Cursor { epoch: 1, tx: 2, id: 3 },
            kind,
            event_type: event_type.into(),
            datasource: "ds-1".into(),
            user_id: "u".into(),
            event_id: (kind == Kind::Event).then(|| "e".into()),
            occurred_at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            body: body.into(),
        }
    }

    fn written(item: &Item, sight: Sight) -> serde_json::Value {
        serde_json::from_str(&write(item, sight, Catalogue::builtin()).unwrap()).unwrap()
    }

    #[test]
    fn an_event_has_parameters_as_they_were_stored() {
        let item = item(Kind::Event, "purchase", r#"{"n":1.50}"#);
        let text = write(&item, Sight::Whole, Catalogue::builtin()).unwrap();
        assert_eq!(
            text,
            format!(
                r#"{{"cursor":"{}","kind":"event","type":"purchase","datasource":"ds-1","_user_id":"u","_event_id":"e","_event_date":"1970-01-01T00:00:00Z","receivedAt":"1970-01-01T00:00:00Z","parameters":{{"n":1.50}}}}"#,
                item.cursor.encode()
            )
        );
    }

    #[test]
    fn a_change_is_masked_on_both_sides() {
        let changes = r#"{"_email":{"from":null,"to":"ada@example.com"},"_city":{"from":"Ulm","to":null}}"#;
        let item = item(Kind::Contact, "contact.updated", changes);
        assert_eq!(written(&item, Sight::Whole)["changed"]["_email"]["to"], "ada@example.com");
        let masked = written(&item, Sight::Masked);
        assert_eq!(masked["changed"]["_email"]["to"], "a•••@•••.com");
        assert_eq!(masked["changed"]["_email"]["from"], serde_json::Value::Null);
        assert_eq!(masked["changed"]["_city"]["from"], "Ulm");
        assert_eq!((&masked["_event_id"], masked.get("parameters")), (&serde_json::Value::Null, None));
    }
}
