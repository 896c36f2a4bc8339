//! Who is calling, and the keys of one's own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{KeyKind, Name, OrganizationShape, ProjectName, Purpose, RoleName};
use crate::auth::{Key, scope::Scope};

/// `GET /v1/me`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Me<'a> {
    pub(in crate::http) organization: OrganizationShape<'a>,
    pub(in crate::http) key: CallingKey<'a>,
    /// The user to whom the key belongs; `null` for keys that belong to nobody.
    #[schema(required = true)]
    pub(in crate::http) user: Option<CallingUser<'a>>,
    pub(in crate::http) reach: Within<'a>,
}

/// The key of a request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct CallingKey<'a> {
    /// Its name in paths.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    #[schema(value_type = KeyKind)]
    kind: &'static str,
    /// The name its maker gave it.
    name: &'a str,
    /// The first characters of its text.
    prefix: &'a str,
    /// The role of a personal key; `null` for the others.
    #[schema(required = true, value_type = Option<RoleName>)]
    role: Option<&'a str>,
    /// What it may do inside its reach.
    scopes: Vec<Scope>,
    /// When it was rotated: its successor is to be used instead.
    #[schema(required = true)]
    rotated_at: Option<Timestamp>,
    /// When it ends by itself; for a rotated key its deadline.
    #[schema(required = true)]
    expires_at: Option<Timestamp>,
}

impl<'a> CallingKey<'a> {
    /// With the role of a personal key.
    pub(in crate::http) fn of(key: &'a Key, role: Option<&'a str>) -> Self {
        Self {
            id: key.id,
            kind: key.kind.name(),
            name: &key.name,
            prefix: &key.prefix,
            role,
            scopes: key.scopes.iter().collect(),
            rotated_at: key.rotated_at,
            expires_at: key.expires_at,
        }
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct CallingUser<'a> {
    /// Its public identifier, `user_…`.
    pub(in crate::http) uid: &'a str,
    /// Its e-mail address.
    pub(in crate::http) email: &'a str,
    /// What it may do itself; its keys may do that or less.
    #[schema(value_type = RoleName)]
    pub(in crate::http) role: &'a str,
}

/// Where a key may do what it may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Within<'a> {
    /// Whether it reaches projects that are still to be made, too.
    pub(in crate::http) all_projects: bool,
    /// The projects there are inside of its reach; `null` without `ACCOUNT_READ`, unless it is bound to one project and has
    /// `PROJECT_READ` there.
    #[schema(required = true)]
    pub(in crate::http) projects: Option<Vec<ProjectName<'a>>>,
    /// The one project that it is bound to, which for a datasource token is the one around it.
    #[schema(required = true)]
    pub(in crate::http) project_uid: Option<&'a str>,
    /// The one datasource that it reaches, for a datasource token.
    #[schema(required = true)]
    pub(in crate::http) datasource_uid: Option<&'a str>,
}

/// The body of a new personal key; all three members are needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPersonalKey)]
pub(in crate::http) struct NewOwnKey {
    #[schema(value_type = Name)]
    pub(in crate::http) name: String,
    #[schema(value_type = Purpose)]
    pub(in crate::http) description: String,
    #[schema(value_type = RoleName)]
    pub(in crate::http) role: String,
}
