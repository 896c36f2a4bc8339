//! Every JSON shape that leaves under `/v1`, field by field as the contract names them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    auth::{Caller, Datasource, Organization, Project, scope::Scope},
    domain::{
        budget::Plan,
        spec::{AttributeSpec, EventSpec, ParameterSpec},
    },
    store::{totals::Totals, usage::Usage},
};

/// The answer to a push.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PushAnswer<'a> {
    pub(super) success: bool,
    pub(super) status: u16,
    pub(super) dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<&'static str>,
    pub(super) entities_success: usize,
    pub(super) entities_failures: usize,
    pub(super) entities_limit: usize,
    pub(super) accepted: Vec<Accepted<'a>>,
    pub(super) errors: Vec<Failed<'a>>,
    pub(super) entity: Entity<'a>,
    pub(super) project_uid: &'a str,
    pub(super) datasource_uid: &'a str,
    pub(super) receipt: ReceiptShape,
}

/// An item that was good.
#[derive(Debug, Serialize)]
pub(super) struct Accepted<'a> {
    pub(super) position: usize,
    pub(super) item: &'a str,
}

/// An item that was not.
#[derive(Debug, Serialize)]
pub(super) struct Failed<'a> {
    pub(super) position: usize,
    pub(super) item: &'a str,
    pub(super) error: String,
}

/// The items again, one by one.
#[derive(Debug, Serialize)]
pub(super) struct Entity<'a> {
    pub(super) successful: usize,
    pub(super) failed: usize,
    pub(super) items: Vec<ItemShape<'a>>,
}

/// What became of one item.
#[derive(Debug, Serialize)]
pub(super) struct ItemShape<'a> {
    pub(super) status: &'static str,
    #[serde(rename = "_user_id", skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<&'a str>,
    #[serde(rename = "_event_id", skip_serializing_if = "Option::is_none")]
    pub(super) event_id: Option<&'a str>,
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) errors: BTreeMap<&'a str, Vec<&'a str>>,
}

/// Where the batch stands in the stream.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceiptShape {
    /// `committed`, or `none` where nothing was stored.
    pub(super) durability: &'static str,
    pub(super) cursor: Option<String>,
    pub(super) received_at: Timestamp,
}

/// `GET /stream`.
#[derive(Debug, Serialize)]
pub(super) struct Probe<'a> {
    pub(super) organization: OrganizationShape<'a>,
    pub(super) project: ProjectShape<'a>,
    pub(super) datasource: DatasourceShape<'a>,
    pub(super) stream: StreamShape,
    pub(super) token: TokenShape<'a>,
}

/// `GET /stats`.
#[derive(Debug, Serialize)]
pub(super) struct Stats<'a> {
    pub(super) contacts: Total,
    pub(super) events: Total,
    pub(super) datasource: DatasourceShape<'a>,
}

/// A count.
#[derive(Debug, Serialize)]
pub(super) struct Total {
    pub(super) total: i64,
}

impl<'a> Stats<'a> {
    pub(super) fn of(totals: Totals, datasource: DatasourceShape<'a>) -> Self {
        Self {
            contacts: Total { total: totals.contacts },
            events: Total { total: totals.events },
            datasource,
        }
    }
}

/// The organization.
#[derive(Debug, Serialize)]
pub(super) struct OrganizationShape<'a> {
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
pub(super) struct ProjectShape<'a> {
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

/// A datasource and what it received.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DatasourceShape<'a> {
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
    pub(super) fn of(datasource: &'a Datasource, default_plan: Plan, usage: &Usage) -> Self {
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

/// What was asked of a datasource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamShape {
    calls_total: i64,
    calls_success: i64,
    calls_failures: i64,
    processed_entities_success: i64,
    processed_entities_failures: i64,
    last_call_time: Option<Timestamp>,
    last_success_time: Option<Timestamp>,
    last_failure_time: Option<Timestamp>,
}

impl From<&Usage> for StreamShape {
    fn from(usage: &Usage) -> Self {
        Self {
            calls_total: usage.calls_success + usage.calls_failures,
            calls_success: usage.calls_success,
            calls_failures: usage.calls_failures,
            processed_entities_success: usage.entities_success,
            processed_entities_failures: usage.entities_failures,
            last_call_time: usage.last_success_at.max(usage.last_failure_at),
            last_success_time: usage.last_success_at,
            last_failure_time: usage.last_failure_at,
        }
    }
}

/// The key that asks.
#[derive(Debug, Serialize)]
pub(super) struct TokenShape<'a> {
    kind: &'static str,
    name: &'a str,
    prefix: &'a str,
    scopes: Vec<Scope>,
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'a> From<&'a Caller> for TokenShape<'a> {
    fn from(caller: &'a Caller) -> Self {
        let key = caller.key();
        Self {
            kind: key.kind.name(),
            name: &key.name,
            prefix: &key.prefix,
            scopes: key.scopes.iter().collect(),
        }
    }
}

/// `GET /stream/contacts/{user_id}`.
#[derive(Debug, Serialize)]
pub(super) struct ContactAnswer {
    pub(super) contact: ContactShape,
}

/// A stored contact.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContactShape {
    pub(super) contact_id: String,
    pub(super) contact_data: BTreeMap<String, Box<RawValue>>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A catalogue.
#[derive(Debug, Serialize)]
pub(super) struct Specs<T> {
    pub(super) specs: Vec<T>,
}

/// An attribute of contacts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttributeShape<'a> {
    uid: &'a str,
    display_label: &'a str,
    description: &'a str,
    data_type: &'static str,
    multivalue: bool,
    required_in_webhook: bool,
    read_only: bool,
    important: bool,
    visible: bool,
    custom: bool,
}

impl<'a> From<&'a AttributeSpec> for AttributeShape<'a> {
    fn from(spec: &'a AttributeSpec) -> Self {
        Self {
            uid: &spec.uid,
            display_label: &spec.display_label,
            description: &spec.description,
            data_type: spec.data_type.as_str(),
            multivalue: spec.multivalue,
            required_in_webhook: spec.required_in_webhook,
            read_only: spec.read_only,
            important: spec.important,
            visible: spec.visible,
            custom: spec.custom,
        }
    }
}

/// A type of event.
#[derive(Debug, Serialize)]
pub(super) struct EventShape<'a> {
    uid: &'a str,
    name: &'a str,
    emoji: &'a str,
    icon: &'a str,
    description: &'a str,
    category: &'a str,
    important: bool,
}

impl<'a> From<&'a EventSpec> for EventShape<'a> {
    fn from(spec: &'a EventSpec) -> Self {
        Self {
            uid: &spec.uid,
            name: &spec.name,
            emoji: &spec.emoji,
            icon: &spec.icon,
            description: &spec.description,
            category: &spec.category,
            important: spec.important,
        }
    }
}

/// A parameter of a type of event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParameterShape<'a> {
    parameter: &'a str,
    title: &'a str,
    description: &'a str,
    data_type: &'static str,
    max_length: Option<u32>,
    required: bool,
    multi_value: bool,
}

impl<'a> From<&'a ParameterSpec> for ParameterShape<'a> {
    fn from(spec: &'a ParameterSpec) -> Self {
        Self {
            parameter: &spec.parameter,
            title: &spec.title,
            description: &spec.description,
            data_type: spec.data_type.as_str(),
            max_length: spec.max_length,
            required: spec.required,
            multi_value: spec.multi_value,
        }
    }
}
