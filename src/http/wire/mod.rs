//! Every JSON shape that goes in or out under `/v1`, but for the items of a push, field by field as the contract names them.
//!
//! Promises that a shape is written in one place, from which the OpenAPI document is made as well.
//! Must not know what any of it means: only names, types and order.

mod push;

mod probe;

mod project;

mod datasource;

mod contact;

mod specs;

mod audience;

pub(super) use audience::*;
pub(super) use contact::*;
pub(super) use datasource::*;
pub(super) use probe::*;
pub(super) use project::*;
pub(super) use push::*;
pub(super) use specs::*;

use serde::{Deserialize, Deserializer, Serialize};

/// Tells a member that is absent from one that is `null`.
fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// One thing.
#[derive(Debug, Serialize)]
pub(super) struct EntityAnswer<T> {
    pub(super) entity: T,
}

/// Several things.
#[derive(Debug, Serialize)]
pub(super) struct EntitiesAnswer<T> {
    pub(super) entities: Vec<T>,
}
