//! The values of attributes: what is accepted of each type, and what is answered for it.

use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder, RefOr, Schema, Type,
    schema::{AnyOfBuilder, ArrayItems, SchemaType},
};

use super::words::{one_of, text};
use crate::domain::{
    caps::Caps,
    spec::{AttributeSpec, DataType},
};

/// What may be sent for an attribute: its type or its string form, `null` to clear it, and an array where there may be several.
pub(super) fn sent(spec: &AttributeSpec) -> Schema {
    let forms = forms_of(spec.data_type);
    let mut any = forms.iter().cloned().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
    if !spec.data_type.has_empty_string() {
        any = any.item(one_of([""]));
    }
    if spec.multivalue {
        let items = forms.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
        any = any.item(ArrayBuilder::new().items(items).max_items(Some(Caps::default().values)));
    }
    any.item(of(Type::Null)).description(Some(&*spec.description)).build().into()
}

fn forms_of(data_type: DataType) -> Vec<RefOr<Schema>> {
    let caps = Caps::default();
    let longest = |bytes| of(Type::String).max_length(Some(bytes));
    let forms = match data_type {
        DataType::String => vec![longest(caps.string_bytes)],
        DataType::Text => vec![longest(caps.text_bytes)],
        DataType::Int => {
            let range = of(Type::Integer).minimum(Some(i64::MIN as isize)).maximum(Some(i64::MAX as isize));
            vec![range, text("int64")]
        }
        DataType::Decimal => vec![of(Type::Number), text("decimal")],
        DataType::Bool => {
            let number = of(Type::Integer).enum_values(Some([0, 1]));
            vec![of(Type::Boolean), number, one_of(["true", "false", "1", "0"])]
        }
        DataType::Date => vec![text("date")],
        DataType::Datetime => vec![text("date-time"), text("date")],
        DataType::Email => vec![text("email")],
        DataType::Phone => vec![text("phone")],
        DataType::Country => vec![text("iso3166-alpha2")],
        DataType::Language => vec![text("bcp47")],
        DataType::Currency => vec![text("iso4217")],
        DataType::Url => vec![text("http-url")],
        DataType::Payload => vec![of(SchemaType::AnyValue)],
    };
    forms.into_iter().map(RefOr::from).collect()
}

fn of(r#type: impl Into<SchemaType>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(r#type)
}

/// What is answered for an attribute: its stored form. E-mail addresses and phone numbers may be masked, so they have no form.
pub(super) fn stored(spec: &AttributeSpec) -> Schema {
    let one = match spec.data_type {
        DataType::Int => of(Type::Integer),
        DataType::Decimal => of(Type::Number),
        DataType::Bool => of(Type::Boolean),
        DataType::Date => text("date"),
        DataType::Datetime => text("date-time"),
        DataType::Payload => of(SchemaType::AnyValue),
        _ => of(Type::String),
    };
    let description = Some(&*spec.description);
    if spec.multivalue {
        let items = ArrayItems::RefOrSchema(Box::new(RefOr::from(one)));
        ArrayBuilder::new().items(items).description(description).build().into()
    } else {
        one.description(description).build().into()
    }
}
