//! The answer to a push, item by item.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// The answer to a push.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct PushAnswer<'a> {
    pub(in crate::http) success: bool,
    pub(in crate::http) status: u16,
    pub(in crate::http) dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) message: Option<&'static str>,
    pub(in crate::http) entities_success: usize,
    pub(in crate::http) entities_failures: usize,
    pub(in crate::http) entities_limit: usize,
    pub(in crate::http) accepted: Vec<Accepted<'a>>,
    pub(in crate::http) errors: Vec<Failed<'a>>,
    pub(in crate::http) entity: Entity<'a>,
    pub(in crate::http) project_uid: &'a str,
    pub(in crate::http) datasource_uid: &'a str,
    pub(in crate::http) receipt: ReceiptShape,
}

/// An item that was good.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Accepted<'a> {
    pub(in crate::http) position: usize,
    pub(in crate::http) item: &'a str,
}

/// An item that was not.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Failed<'a> {
    pub(in crate::http) position: usize,
    pub(in crate::http) item: &'a str,
    pub(in crate::http) error: String,
}

/// The items again, one by one.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Entity<'a> {
    pub(in crate::http) successful: usize,
    pub(in crate::http) failed: usize,
    pub(in crate::http) items: Vec<ItemShape<'a>>,
}

/// What became of one item.
#[derive(Debug, Serialize)]
pub(in crate::http) struct ItemShape<'a> {
    pub(in crate::http) status: &'static str,
    #[serde(rename = "_user_id", skip_serializing_if = "Option::is_none")]
    pub(in crate::http) user_id: Option<&'a str>,
    #[serde(rename = "_event_id", skip_serializing_if = "Option::is_none")]
    pub(in crate::http) event_id: Option<&'a str>,
    pub(in crate::http) outcome: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::http) errors: BTreeMap<&'a str, Vec<&'a str>>,
}

/// Where the batch stands in the stream.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ReceiptShape {
    /// `committed`, or `none` where nothing was stored.
    pub(in crate::http) durability: &'static str,
    pub(in crate::http) cursor: Option<String>,
    pub(in crate::http) received_at: Timestamp,
}
