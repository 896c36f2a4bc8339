//! Who calls, where they write, and what happened lately.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{DatasourceShape, KeyKind, OrganizationShape, ProjectShape};
use crate::{
    auth::{Caller, scope::Scope},
    store::{totals::Totals, usage::Usage},
};

/// `GET /stream`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Probe<'a> {
    pub(in crate::http) organization: OrganizationShape<'a>,
    pub(in crate::http) project: ProjectShape<'a>,
    pub(in crate::http) datasource: DatasourceShape<'a>,
    pub(in crate::http) stream: StreamShape,
    pub(in crate::http) token: TokenShape<'a>,
}

/// `GET /stats`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Stats<'a> {
    pub(in crate::http) contacts: Total,
    pub(in crate::http) events: Total,
    pub(in crate::http) datasource: DatasourceShape<'a>,
}

/// A count.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Total {
    /// What is stored now.
    pub(in crate::http) total: i64,
}

impl<'a> Stats<'a> {
    pub(in crate::http) fn of(totals: Totals, datasource: DatasourceShape<'a>) -> Self {
        Self {
            contacts: Total { total: totals.contacts },
            events: Total { total: totals.events },
            datasource,
        }
    }
}

/// What was asked of a datasource.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StreamUsage)]
pub(in crate::http) struct StreamShape {
    /// Pushes and deletions.
    calls_total: i64,
    /// Those that were answered with success.
    calls_success: i64,
    /// Those that were not.
    calls_failures: i64,
    /// Good items.
    processed_entities_success: i64,
    /// Bad items.
    processed_entities_failures: i64,
    /// `null` before the first call.
    #[schema(required = true)]
    last_call_time: Option<Timestamp>,
    /// `null` before the first success.
    #[schema(required = true)]
    last_success_time: Option<Timestamp>,
    /// `null` before the first failure.
    #[schema(required = true)]
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(in crate::http) struct TokenShape<'a> {
    #[schema(value_type = KeyKind)]
    kind: &'static str,
    /// The name that it was given.
    name: &'a str,
    /// Its first characters.
    prefix: &'a str,
    /// What it may do.
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
