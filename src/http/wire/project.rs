//! The organization and its projects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LimitChanges, Limits, Locale, Name, PlanName, RetentionDays, TimeZone, Whole, nullable};
use crate::auth::{Organization, Project, scope::Scope};

/// The organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub(in crate::http) struct OrganizationShape<'a> {
    /// Its public identifier, `org_…`.
    uid: &'a str,
    /// Its display name.
    name: &'a str,
    /// The plan of datasources that have none of their own.
    #[schema(value_type = PlanName)]
    plan: &'static str,
}

impl<'a> From<&'a Organization> for OrganizationShape<'a> {
    fn from(organization: &'a Organization) -> Self {
        Self { uid: organization.uid.as_str(), name: &organization.name, plan: organization.plan.name() }
    }
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Project)]
pub(in crate::http) struct ProjectShape<'a> {
    /// Its public identifier, `proj_…`.
    uid: &'a str,
    /// Its display name.
    name: &'a str,
    /// A BCP 47 tag.
    locale: &'a str,
    /// The IANA name of its time zone.
    timezone: &'a str,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl<'a> From<&'a Project> for ProjectShape<'a> {
    fn from(project: &'a Project) -> Self {
        Self {
            uid: project.uid.as_str(),
            name: &project.name,
            locale: &project.locale,
            timezone: &project.timezone,
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}

/// `GET /v1/`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AccountAnswer<'a> {
    pub(in crate::http) entity: Projects<'a>,
    pub(in crate::http) metadata: Granted,
}

/// The projects inside the reach of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Projects<'a> {
    pub(in crate::http) projects: Vec<ProjectName<'a>>,
}

/// A project by name.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ProjectName<'a> {
    /// Its public identifier, `proj_…`.
    pub(in crate::http) uid: &'a str,
    /// Its display name.
    pub(in crate::http) name: &'a str,
}

/// What the key may do.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Granted {
    pub(in crate::http) scopes: Vec<Scope>,
}

/// A project as those who manage it see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ManagedProject<'a> {
    /// Its public identifier, `proj_…`.
    uid: &'a str,
    /// Its display name.
    name: &'a str,
    /// A BCP 47 tag.
    locale: &'a str,
    /// The IANA name of its time zone.
    timezone: &'a str,
    /// For how many days it keeps what it received; `null` is for ever.
    #[schema(value_type = Option<RetentionDays>, required = true)]
    retention_days: Option<i32>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// Its own budgets, in requests per minute.
    #[schema(value_type = Limits)]
    limits: BTreeMap<&'static str, u32>,
}

impl<'a> From<&'a Project> for ManagedProject<'a> {
    fn from(project: &'a Project) -> Self {
        Self {
            uid: project.uid.as_str(),
            name: &project.name,
            locale: &project.locale,
            timezone: &project.timezone,
            retention_days: project.retention_days,
            created_at: project.created_at,
            updated_at: project.updated_at,
            limits: project.overrides.iter().collect(),
        }
    }
}

/// The body of a change of a project; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct ProjectChange {
    #[schema(value_type = Option<Name>)]
    pub(in crate::http) name: Option<String>,
    #[schema(value_type = Option<Locale>)]
    pub(in crate::http) locale: Option<String>,
    #[schema(value_type = Option<TimeZone>)]
    pub(in crate::http) timezone: Option<String>,
    /// `null` keeps everything for ever from now on.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<RetentionDays>)]
    pub(in crate::http) retention_days: Option<Option<Whole<i64>>>,
    #[serde(default)]
    #[schema(value_type = LimitChanges)]
    pub(in crate::http) limits: BTreeMap<String, Option<Whole<u64>>>,
}
