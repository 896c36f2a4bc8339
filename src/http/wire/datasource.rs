//! Datasources.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    CountryCode, DatasourceBudgets, LimitChanges, Limits, Name, PlanName, Priority, Whole, nullable,
};
use crate::{
    auth::{Datasource, Project},
    domain::budget::{Class, Plan},
    limit::per_minute,
    store::usage::Usage,
};

/// A datasource and what it received.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Datasource)]
pub(in crate::http) struct DatasourceShape<'a> {
    /// Its public identifier, `ds_…`.
    uid: &'a str,
    /// Its display name.
    name: &'a str,
    /// Always `api` today.
    r#type: &'a str,
    /// The plan in force, its own or the organization's.
    #[schema(value_type = PlanName)]
    plan: &'static str,
    /// Its place among those that know the same person; lower first.
    priority: i32,
    /// Completes national phone numbers; `null` where none is set.
    #[schema(required = true)]
    default_country: Option<&'a str>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// When a contact last came in; `null` before the first.
    #[schema(required = true)]
    last_contact_received_at: Option<Timestamp>,
    /// When an event last came in; `null` before the first.
    #[schema(required = true)]
    last_event_received_at: Option<Timestamp>,
    /// Good contacts as they came in, unchanged ones included.
    received_contacts: i64,
    /// Good events as they came in, duplicates included.
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
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ManagedDatasource<'a> {
    /// Its public identifier, `ds_…`.
    uid: &'a str,
    /// Its display name.
    name: &'a str,
    /// Always `api` today.
    r#type: &'a str,
    /// Its own plan; none where the organization's holds.
    #[schema(value_type = Option<PlanName>, required = true)]
    plan: Option<&'static str>,
    /// Whether event types outside the catalogue are refused.
    strict: bool,
    /// Completes national phone numbers; `null` where none is set.
    #[schema(required = true)]
    default_country: Option<&'a str>,
    /// Its place among those that know the same person; lower first.
    priority: i32,
    /// Its own budgets, in requests per minute.
    #[schema(value_type = Limits)]
    limits: BTreeMap<&'static str, u32>,
    /// The budgets that are in force, in requests per minute.
    #[schema(value_type = DatasourceBudgets)]
    budgets: BTreeMap<&'static str, u32>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
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

/// A datasource, and what is under way about it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct DatasourceStanding<'a> {
    pub(in crate::http) entity: ManagedDatasource<'a>,
    pub(in crate::http) metadata: DatasourceState,
}

/// What is under way about a datasource.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct DatasourceState {
    /// A purge that is not done yet; `null` otherwise.
    #[schema(required = true)]
    pub(in crate::http) purge: Option<Purging>,
}

/// A purge under way.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Purging {
    /// Events and contacts that are still to be removed.
    #[schema(minimum = 0)]
    pub(in crate::http) left: i64,
}

/// The body of a new datasource.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewDatasource)]
pub(in crate::http) struct NewDatasourceBody {
    #[schema(value_type = Name)]
    pub(in crate::http) name: String,
    /// Default: the organization's.
    #[schema(value_type = Option<PlanName>)]
    pub(in crate::http) plan: Option<String>,
    /// Whether event types outside the catalogue are refused.
    #[serde(default)]
    pub(in crate::http) strict: bool,
    /// Completes national phone numbers.
    #[schema(value_type = Option<CountryCode>)]
    pub(in crate::http) default_country: Option<String>,
}

/// The body of a change of a datasource; what is absent stays, `null` goes back to the default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct DatasourceChange {
    #[schema(value_type = Option<Name>)]
    pub(in crate::http) name: Option<String>,
    /// `null` goes back to the organization's.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<PlanName>)]
    pub(in crate::http) plan: Option<Option<String>>,
    /// Whether event types outside the catalogue are refused.
    pub(in crate::http) strict: Option<bool>,
    /// Completes national phone numbers; `null` takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<CountryCode>)]
    pub(in crate::http) default_country: Option<Option<String>>,
    #[schema(value_type = Option<Priority>)]
    pub(in crate::http) priority: Option<Whole<i64>>,
    #[serde(default)]
    #[schema(value_type = LimitChanges)]
    pub(in crate::http) limits: BTreeMap<String, Option<Whole<u64>>>,
}
