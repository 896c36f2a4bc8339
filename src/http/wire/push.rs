//! The answer to a push, item by item.

use std::{cell::RefCell, collections::BTreeMap};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, Ref, RefOr, Schema, Type},
};

use super::words::one_of;
use crate::http::problem::Code;

/// A list that is written while it is gone through, so that it is never gathered. It can be written once.
pub(in crate::http) struct Each<'a, T>(RefCell<&'a mut dyn Iterator<Item = T>>);

impl<'a, T> Each<'a, T> {
    /// What comes out of this.
    pub(in crate::http) fn of(elements: &'a mut dyn Iterator<Item = T>) -> Self {
        Self(RefCell::new(elements))
    }
}

impl<T: Serialize> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&mut **self.0.borrow_mut())
    }
}

/// The answer to a push.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct PushAnswer<'a> {
    /// Whether nothing failed.
    pub(in crate::http) success: bool,
    /// The HTTP status.
    pub(in crate::http) status: u16,
    /// Whether this was a dry run.
    pub(in crate::http) dry_run: bool,
    /// `no_valid_item` where no item was good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in crate::http) code: Option<&'static str>,
    /// The title of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in crate::http) message: Option<&'static str>,
    /// How many items were good.
    pub(in crate::http) entities_success: usize,
    /// How many items were bad.
    pub(in crate::http) entities_failures: usize,
    /// How many items a batch may have.
    pub(in crate::http) entities_limit: usize,
    /// The good items.
    #[schema(value_type = Vec<Accepted>)]
    pub(in crate::http) accepted: Each<'a, Accepted<'a>>,
    /// The bad items.
    #[schema(value_type = Vec<Failed>)]
    pub(in crate::http) errors: Each<'a, Failed<'a>>,
    pub(in crate::http) entity: Entity<'a>,
    /// The project that it went to.
    pub(in crate::http) project_uid: &'a str,
    /// The datasource that it went to.
    pub(in crate::http) datasource_uid: &'a str,
    pub(in crate::http) receipt: ReceiptShape,
}

/// A push without a good item: the same, with `code` and `message`.
#[derive(Debug)]
pub(in crate::http) enum RefusedPush {}

impl PartialSchema for RefusedPush {
    fn schema() -> RefOr<Schema> {
        let status = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([422]));
        let more = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("status", status)
            .property("code", one_of([Code::NoValidItem.as_str()]))
            .required("code")
            .required("message");
        AllOfBuilder::new().item(Ref::from_schema_name(PushAnswer::name())).item(more).into()
    }
}

impl ToSchema for RefusedPush {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PushAnswer::name().into(), PushAnswer::schema()));
        PushAnswer::schemas(schemas);
    }
}

/// An item that was good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptedItem)]
pub(in crate::http) struct Accepted<'a> {
    /// Its place in the batch, from 0.
    pub(in crate::http) position: usize,
    /// Its id.
    pub(in crate::http) item: &'a str,
}

/// An item that was not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailedItem)]
pub(in crate::http) struct Failed<'a> {
    /// Its place in the batch, from 0.
    pub(in crate::http) position: usize,
    /// Its id; empty where none could be read.
    pub(in crate::http) item: &'a str,
    /// Its faults, joined by `; `.
    pub(in crate::http) error: String,
}

/// The items again, one by one.
#[derive(Serialize, ToSchema)]
#[schema(as = PushedItems)]
pub(in crate::http) struct Entity<'a> {
    /// How many were good.
    pub(in crate::http) successful: usize,
    /// How many were bad.
    pub(in crate::http) failed: usize,
    /// All of them, in the order of the request.
    #[schema(value_type = Vec<ItemShape>)]
    pub(in crate::http) items: Each<'a, ItemShape<'a>>,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushedItem)]
pub(in crate::http) struct ItemShape<'a> {
    pub(in crate::http) status: ItemStatus,
    /// The id of a contact; empty where none could be read.
    #[serde(rename = "_user_id", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in crate::http) user_id: Option<&'a str>,
    /// The id of an event; empty where none could be read.
    #[serde(rename = "_event_id", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in crate::http) event_id: Option<&'a str>,
    pub(in crate::http) outcome: ItemOutcome,
    /// The broken rules by field, `_item` for the item as a whole; only where there are any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::http) errors: BTreeMap<&'a str, Vec<&'a str>>,
}

/// Whether an item was good.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum ItemStatus {
    Success,
    Error,
}

/// What became of an item: contacts are `created`, `updated`, `unchanged` or `deleted`, events `stored` or `duplicate`; `conflict`
/// and `invalid` are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum ItemOutcome {
    Created,
    Updated,
    Unchanged,
    Deleted,
    Stored,
    Duplicate,
    Conflict,
    Invalid,
}

/// `committed`, or `none` where nothing was stored.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum Durability {
    Committed,
    None,
}

/// Where the batch stands in the stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Receipt)]
pub(in crate::http) struct ReceiptShape {
    pub(in crate::http) durability: Durability,
    /// A position at or after everything that this batch stored; `null` where nothing was stored. Opaque.
    #[schema(required = true)]
    pub(in crate::http) cursor: Option<String>,
    /// The server's clock when the batch was written.
    pub(in crate::http) received_at: Timestamp,
}
