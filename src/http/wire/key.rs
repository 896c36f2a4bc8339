//! Keys, as those who manage them see them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{KeyKind, KeyStanding, Name, NewKeyKind, OverlapTime, RoleName};
use crate::{auth::scope::Scope, store::key_list::KeyListing};

/// A key. Its text is shown once, by the answer that made it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub(in crate::http) struct KeyShape<'a> {
    /// Its name in paths.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    #[schema(value_type = KeyKind)]
    kind: &'a str,
    /// A name for people.
    name: &'a str,
    /// What it is for; may be empty.
    description: &'a str,
    /// What it may do, for a personal key; `null` for the others.
    #[schema(required = true, value_type = Option<RoleName>)]
    role: Option<&'a str>,
    /// What it may do inside its reach.
    #[schema(value_type = Vec<Scope>)]
    scopes: &'a [String],
    /// The first characters of its text.
    prefix: &'a str,
    /// The project it is bound to, or that around its datasource.
    #[schema(required = true)]
    project_uid: Option<&'a str>,
    /// The datasource it is bound to.
    #[schema(required = true)]
    datasource_uid: Option<&'a str>,
    /// The user it belongs to.
    #[schema(required = true)]
    user_uid: Option<&'a str>,
    /// When it was made.
    created_at: Timestamp,
    /// Who made it.
    created_by: &'a str,
    /// When it last opened the door, to about a minute; `null` before the first time.
    #[schema(required = true)]
    last_used_at: Option<Timestamp>,
    /// From where, the first part of the address.
    #[schema(required = true)]
    last_used_from: Option<&'a str>,
    /// The client's name for itself.
    #[schema(required = true)]
    last_used_agent: Option<&'a str>,
    /// When it ends by itself; for a rotated key its deadline.
    #[schema(required = true)]
    expires_at: Option<Timestamp>,
    /// When it was rotated: its successor is to be used instead.
    #[schema(required = true)]
    rotated_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(required = true)]
    revoked_at: Option<Timestamp>,
    /// The key that it is the successor of.
    #[schema(required = true, value_type = Option<String>, format = "uuid")]
    replaces: Option<Uuid>,
    #[schema(value_type = KeyStanding)]
    state: &'static str,
    /// Its text, in the answer that made it and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    key: Option<&'a str>,
}

impl<'a> KeyShape<'a> {
    /// As it stands at a moment.
    pub(in crate::http) fn of(listing: &'a KeyListing, now: Timestamp) -> Self {
        let used = listing.last_used.as_ref();
        Self {
            id: listing.id,
            kind: &listing.kind,
            name: &listing.name,
            description: &listing.description,
            role: listing.role.as_deref(),
            scopes: &listing.scopes,
            prefix: &listing.prefix,
            project_uid: listing.project.as_deref(),
            datasource_uid: listing.datasource.as_deref(),
            user_uid: listing.user.as_deref(),
            created_at: listing.created_at,
            created_by: &listing.created_by,
            last_used_at: used.map(|used| used.at),
            last_used_from: used.map(|used| used.address.as_str()),
            last_used_agent: used.map(|used| used.agent.as_str()),
            expires_at: listing.expires_at,
            rotated_at: listing.rotated_at,
            revoked_at: listing.revoked_at,
            replaces: listing.replaces,
            state: listing.state(now).name(),
            key: None,
        }
    }

    /// With its text, for the answer that made it.
    pub(in crate::http) fn with_text(self, text: &'a str) -> Self {
        Self { key: Some(text), ..self }
    }
}

/// A page of keys, in the order in which they were made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct KeyPage<'a> {
    pub(in crate::http) entities: Vec<KeyShape<'a>>,
    pub(in crate::http) metadata: Next,
}

/// How to go on in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Next {
    /// To be sent as `after` for the next page; `null` when there is none.
    #[schema(required = true)]
    pub(in crate::http) next: Option<String>,
}

/// The body of a new key of a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewKey)]
pub(in crate::http) struct NewKeyBody {
    #[schema(value_type = NewKeyKind)]
    pub(in crate::http) kind: String,
    #[schema(value_type = Name)]
    pub(in crate::http) name: String,
    /// The datasource to bind a datasource token to; product tokens have none.
    pub(in crate::http) datasource_uid: Option<String>,
    /// What a product token may do, none of it more than the key that makes it; those of a datasource token are fixed.
    #[schema(value_type = Option<Vec<Scope>>)]
    pub(in crate::http) scopes: Option<Vec<String>>,
}

/// The body of a change of a key; nothing else of one is ever changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct KeyChange {
    #[schema(value_type = Name)]
    pub(in crate::http) name: String,
}

/// The body of a rotation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct KeyRotation {
    #[schema(value_type = Option<OverlapTime>)]
    pub(in crate::http) overlap: Option<String>,
}
