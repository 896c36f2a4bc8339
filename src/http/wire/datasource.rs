//! Datasources.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::nullable;
use crate::{
    auth::{Datasource, Project},
    domain::budget::{Class, Plan},
    limit::per_minute,
    store::usage::Usage,
};

/// A datasource and what it received.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct DatasourceShape<'a> {
    uid: &'a str,
    name: &'a str,
    r#type: &'a str,
    plan: &'static str,
    priority: i32,
    default_country: Option<&'a str>,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_contact_received_at: Option<Timestamp>,
    last_event_received_at: Option<Timestamp>,
    received_contacts: i64,
    received_events: i64,
}

impl<'a> DatasourceShape<'a> {
    pub(in crate::http) fn of(datasource: &'a Datasource, default_plan: Plan, usage: &Usage) -> Self {
        Self {
            uid: datasource.uid.as_str(),
            name: &datasource.name,
            r#type: &datasource.kind,
            plan: datasource.plan.unwrap_or(default_plan).name(),
            priority: datasource.priority,
            default_country: datasource.default_country.as_deref(),
            created_at: datasource.created_at,
            updated_at: datasource.updated_at,
            last_contact_received_at: usage.last_contact_at,
            last_event_received_at: usage.last_event_at,
            received_contacts: usage.contacts,
            received_events: usage.events,
        }
    }
}

/// A datasource as those who manage it see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ManagedDatasource<'a> {
    uid: &'a str,
    name: &'a str,
    r#type: &'a str,
    /// Its own plan; none where the organization's holds.
    plan: Option<&'static str>,
    strict: bool,
    default_country: Option<&'a str>,
    priority: i32,
    /// Its own budgets, in requests per minute.
    limits: BTreeMap<&'static str, u32>,
    /// The budgets that are in force, in requests per minute.
    budgets: BTreeMap<&'static str, u32>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> ManagedDatasource<'a> {
    pub(in crate::http) fn of(datasource: &'a Datasource, project: &Project, organization: Plan) -> Self {
        let plan = datasource.plan.unwrap_or(organization);
        let overrides = [&datasource.overrides, &project.overrides];
        Self {
            uid: datasource.uid.as_str(),
            name: &datasource.name,
            r#type: &datasource.kind,
            plan: datasource.plan.map(Plan::name),
            strict: datasource.strict,
            default_country: datasource.default_country.as_deref(),
            priority: datasource.priority,
            limits: datasource.overrides.iter().collect(),
            budgets: Class::OF_DATASOURCES
                .into_iter()
                .map(|class| (class.name(), per_minute(plan, &overrides, class)))
                .collect(),
            created_at: datasource.created_at,
            updated_at: datasource.updated_at,
        }
    }
}

/// The body of a new datasource.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct NewDatasourceBody {
    pub(in crate::http) name: String,
    pub(in crate::http) plan: Option<String>,
    #[serde(default)]
    pub(in crate::http) strict: bool,
    pub(in crate::http) default_country: Option<String>,
}

/// The body of a change of a datasource; what is absent stays, `null` goes back to the default.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct DatasourceChange {
    pub(in crate::http) name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::http) plan: Option<Option<String>>,
    pub(in crate::http) strict: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::http) default_country: Option<Option<String>>,
    pub(in crate::http) priority: Option<i64>,
    #[serde(default)]
    pub(in crate::http) limits: BTreeMap<String, Option<u64>>,
}
