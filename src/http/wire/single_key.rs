//! Keys of which a project has one, with and without their text.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::{scope::Scope, single::Single},
    store::sealed::SealedKey,
};

/// How it is with the one key of its kind that a project has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SingleKey)]
pub(in crate::http) struct SingleKeyShape<'a> {
    /// `instance` or `event-stream`.
    kind: &'static str,
    /// Whether it was made: it is when it is first revealed or regenerated. Where it was not, what belongs to it is `null`.
    exists: bool,
    /// Its id.
    #[schema(required = true, value_type = Option<String>, format = "uuid")]
    id: Option<Uuid>,
    /// Its first characters.
    #[schema(required = true)]
    prefix: Option<&'a str>,
    /// The project.
    project_uid: &'a str,
    /// What it may do inside the project.
    scopes: Vec<Scope>,
    /// When it was made.
    #[schema(required = true)]
    created_at: Option<Timestamp>,
    /// Who made it.
    #[schema(required = true)]
    created_by: Option<&'a str>,
    /// When it was last used, to the minute; `null` before that.
    #[schema(required = true)]
    last_used_at: Option<Timestamp>,
    /// From where, a prefix of the address.
    #[schema(required = true)]
    last_used_from: Option<&'a str>,
    /// By which user agent.
    #[schema(required = true)]
    last_used_agent: Option<&'a str>,
    /// Whether revealing it would answer with its text.
    retrievable: bool,
    /// What to do where it would not.
    #[schema(required = true)]
    note: Option<&'a str>,
    /// Its text, to be sent with requests; where it was revealed or regenerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    key: Option<&'a str>,
}

impl<'a> SingleKeyShape<'a> {
    pub(in crate::http) fn of(
        single: Single,
        project_uid: &'a str,
        live: Option<&'a SealedKey>,
        note: Option<&'a str>,
    ) -> Self {
        Self {
            kind: single.kind().name(),
            exists: live.is_some(),
            id: live.map(|live| live.id),
            prefix: live.map(|live| live.prefix.as_str()),
            project_uid,
            scopes: single.kind().fixed_scopes().unwrap_or_default().iter().collect(),
            created_at: live.map(|live| live.created_at),
            created_by: live.map(|live| live.created_by.as_str()),
            last_used_at: live.and_then(|live| live.used_at),
            last_used_from: live.and_then(|live| live.used_from.as_deref()),
            last_used_agent: live.and_then(|live| live.used_by.as_deref()),
            retrievable: note.is_none(),
            note,
            key: None,
        }
    }

    /// The same with its text.
    pub(in crate::http) fn showing(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }
}
