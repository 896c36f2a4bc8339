//! The items of a push and the attributes of a stored contact, made from the built-in catalogue. What a project declares of its
//! own is not in the document: it differs from project to project.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        extensions::Extensions,
        schema::{AdditionalProperties, AnyOfBuilder, SchemaType},
    },
};

use super::{
    values::{sent, stored},
    words::{one_of, text},
};
use crate::domain::{caps::Caps, catalogue::Catalogue};

/// Contacts to upsert.
#[derive(Debug)]
pub(in crate::http) enum ContactBatch {}

/// Events to append.
#[derive(Debug)]
pub(in crate::http) enum EventBatch {}

/// A contact to upsert: what is absent stays, what is there replaces, `null` clears.
#[derive(Debug)]
enum ContactItem {}

/// An event to append.
#[derive(Debug)]
enum EventItem {}

/// The attributes of a stored contact.
#[derive(Debug)]
pub(in crate::http) enum ContactData {}

/// A contact as the project sees it.
#[derive(Debug)]
pub(in crate::http) enum PersonData {}

macro_rules! batch {
    ($batch:ident, $item:ident, $what:literal) => {
        impl PartialSchema for $batch {
            fn schema() -> RefOr<Schema> {
                let items = Ref::from_schema_name($item::name());
                let batch = ArrayBuilder::new().items(items).min_items(Some(1));
                batch.max_items(Some(Caps::default().items)).description(Some($what)).into()
            }
        }

        impl ToSchema for $batch {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                schemas.push(($item::name().into(), $item::schema()));
            }
        }
    };
}

batch!(ContactBatch, ContactItem, "Contacts to upsert, judged one by one.");
batch!(EventBatch, EventItem, "Events to append, judged one by one.");

/// An identifier. Its length counts bytes.
fn id(longest: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(longest))
}

impl PartialSchema for ContactItem {
    fn schema() -> RefOr<Schema> {
        let user_id =
            id(Caps::default().id_bytes).description(Some("The contact's name inside the datasource."));
        let object = ObjectBuilder::new().schema_type(Type::Object).property("_user_id", user_id);
        let attributes = Catalogue::builtin().attributes().iter();
        let writable = attributes.filter(|spec| !spec.read_only && spec.uid != "_user_id");
        let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        let any =
            any.description(Some("A custom attribute: any JSON, unless the project declares its type."));
        writable
            .fold(object, |object, spec| object.property(&*spec.uid, sent(spec)))
            .required("_user_id")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            // The keyword has no place of its own in the model.
            .extensions(Some(Extensions::from_iter([(
                "patternProperties",
                serde_json::json!({ "^[^_]": serde_json::to_value(any.build()).unwrap_or_default() }),
            )])))
            .description(Some(
                "A contact to upsert: what is absent stays, what is there replaces, `null` clears. Members without an \
                 underscore are attributes of one's own.",
            ))
            .into()
    }
}

impl ToSchema for ContactItem {}

impl PartialSchema for EventItem {
    fn schema() -> RefOr<Schema> {
        let caps = Caps::default();
        let says = |object: ObjectBuilder, what: &str| object.description(Some(what));
        let null = || ObjectBuilder::new().schema_type(Type::Null);
        let date =
            AnyOfBuilder::new().item(text("date-time")).item(text("date")).item(one_of([""])).item(null());
        let date = date.description(Some(
            "When it happened: not before 2000, not more than 24 h ahead of the server's clock. Default: now.",
        ));
        let parameters = AnyOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Object));
        let parameters = parameters.item(one_of([""])).item(null()).description(Some(
            "What the type declares is checked by its type and may come as a string; the rest is kept as sent.",
        ));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("_user_id", says(id(caps.id_bytes), "Whom it happened to; need not exist."))
            .property("_event_id", says(id(caps.id_bytes), "Its name inside the datasource, for ever."))
            .property("_event_type", says(id(caps.type_bytes), "What happened."))
            .property("_event_date", date)
            .property("_event_parameters", parameters)
            .required("_user_id")
            .required("_event_id")
            .required("_event_type")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .description(Some("An event to append."))
            .into()
    }
}

impl ToSchema for EventItem {}

impl PartialSchema for ContactData {
    fn schema() -> RefOr<Schema> {
        let attributes = Catalogue::builtin().attributes().iter();
        attributes
            .filter(|spec| !spec.read_only)
            .fold(ObjectBuilder::new().schema_type(Type::Object), |object, spec| {
                object.property(&*spec.uid, stored(spec))
            })
            .required("_user_id")
            .description(Some("`_user_id` and the attributes that are set; custom ones as they were sent."))
            .into()
    }
}

impl ToSchema for ContactData {}

impl PartialSchema for PersonData {
    fn schema() -> RefOr<Schema> {
        let id = || {
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom("uuid".into())))
        };
        let attributes = Catalogue::builtin().attributes().iter();
        attributes
            .fold(ObjectBuilder::new().schema_type(Type::Object), |object, spec| {
                object.property(&*spec.uid, stored(spec))
            })
            .property("id", id().description(Some("The contact's own id, a UUID.")))
            .required("id")
            .required("_user_id")
            .required("_contact_id")
            .required("_created_at")
            .required("_updated_at")
            .description(Some(
                "`id`, `_user_id`, and the attributes that are set; custom ones as they were sent.",
            ))
            .into()
    }
}

impl ToSchema for PersonData {}
