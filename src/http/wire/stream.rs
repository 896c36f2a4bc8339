//! The outbound stream.

use serde::Serialize;
use utoipa::ToSchema;

use crate::stream::item::StreamItem;

/// `GET …/stream`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct StreamPage {
    /// The items, in the one order of the project.
    pub(in crate::http) items: Vec<StreamItem>,
    /// To be sent as `after` for what comes next.
    pub(in crate::http) next: String,
    /// Whether nothing more is settled. A page may be empty while this is `false`: go on with `next`.
    #[serde(rename = "caughtUp")]
    pub(in crate::http) caught_up: bool,
}
