//! The organization and its projects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::{Organization, Project, scope::Scope};

/// The organization.
#[derive(Debug, Serialize)]
pub(in crate::http) struct OrganizationShape<'a> {
    uid: &'a str,
    name: &'a str,
    plan: &'static str,
}

impl<'a> From<&'a Organization> for OrganizationShape<'a> {
    fn from(organization: &'a Organization) -> Self {
        Self { uid: organization.uid.as_str(), name: &organization.name, plan: organization.plan.name() }
    }
}

/// A project.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ProjectShape<'a> {
    uid: &'a str,
    name: &'a str,
    locale: &'a str,
    timezone: &'a str,
    created_at: Timestamp,
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
#[derive(Debug, Serialize)]
pub(in crate::http) struct AccountAnswer<'a> {
    pub(in crate::http) entity: Projects<'a>,
    pub(in crate::http) metadata: Granted,
}

/// The projects inside the reach of a key.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Projects<'a> {
    pub(in crate::http) projects: Vec<ProjectName<'a>>,
}

/// A project by name.
#[derive(Debug, Serialize)]
pub(in crate::http) struct ProjectName<'a> {
    pub(in crate::http) uid: &'a str,
    pub(in crate::http) name: &'a str,
}

/// What the key may do.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Granted {
    pub(in crate::http) scopes: Vec<Scope>,
}

/// A project as those who manage it see it.
#[derive(Debug, Serialize)]
pub(in crate::http) struct ManagedProject<'a> {
    #[serde(flatten)]
    project: ProjectShape<'a>,
    limits: BTreeMap<&'static str, u32>,
}

impl<'a> From<&'a Project> for ManagedProject<'a> {
    fn from(project: &'a Project) -> Self {
        Self { project: project.into(), limits: project.overrides.iter().collect() }
    }
}

/// The body of a change of a project; what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct ProjectChange {
    pub(in crate::http) name: Option<String>,
    pub(in crate::http) locale: Option<String>,
    pub(in crate::http) timezone: Option<String>,
    #[serde(default)]
    pub(in crate::http) limits: BTreeMap<String, Option<u64>>,
}
