//! Every JSON shape that goes in or out under `/v1`, field by field as the contract names them; the items of a push as schemas
//! only, because the domain reads them.
//!
//! Promises that a shape is written in one place, from which the OpenAPI document is made as well.
//! Must not know what any of it means: only names, types and order.

mod push;

mod probe;

mod audit;

mod audit_log;

mod project;

mod datasource;

mod key;

mod me;

mod single_key;

mod contact;

mod specs;

mod audience;

mod stream;

mod webhook;

mod words;

mod whole;

mod values;

mod items;

pub(super) use audience::*;
pub(super) use audit::*;
pub(super) use audit_log::*;
pub(super) use contact::*;
pub(super) use datasource::*;
pub(super) use items::*;
pub(super) use key::*;
pub(super) use me::*;
pub(super) use probe::*;
pub(super) use project::*;
pub(super) use push::*;
pub(super) use single_key::*;
pub(super) use specs::*;
pub(super) use stream::*;
pub(super) use webhook::*;
pub(super) use whole::Whole;
pub(super) use words::*;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type},
};

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

/// Names a wrapper after what it holds, which a derived schema does not: `ProjectAnswer`, `ProjectList`, `AttributeSpecs`.
macro_rules! wrapper {
    ($wrapper:ident, $member:literal, $suffix:literal, $held:expr) => {
        impl<T: ToSchema> PartialSchema for $wrapper<T> {
            fn schema() -> RefOr<Schema> {
                let held: RefOr<Schema> = $held(Ref::from_schema_name(T::name()));
                let object = ObjectBuilder::new().schema_type(Type::Object);
                object.property($member, held).required($member).into()
            }
        }

        impl<T: ToSchema> ToSchema for $wrapper<T> {
            fn name() -> Cow<'static, str> {
                format!("{}{}", T::name(), $suffix).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                schemas.push((T::name().into(), T::schema()));
                T::schemas(schemas);
            }
        }
    };
}

wrapper!(EntityAnswer, "entity", "Answer", RefOr::Ref);
wrapper!(EntitiesAnswer, "entities", "List", |held| ArrayBuilder::new().items(held).into());
wrapper!(Specs, "specs", "Specs", |held| ArrayBuilder::new().items(held).into());
