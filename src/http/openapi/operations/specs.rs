//! What a project declares of its own.

use serde_json::json;

use crate::http::{
    openapi::{
        described::{Described, Tag, Touches},
        examples::{attribute, entities, entity, event_type, parameter},
    },
    problem::Code,
    wire::{
        AttributeChange, AttributeShape, EntitiesAnswer, EntityAnswer, EventChange, EventShape, NewAttribute,
        NewEvent, NewParameter, ParameterChange, ParameterShape,
    },
};

const DECLARE: &[Code] = &[Code::AlreadyExists, Code::TooManySpecs];
const ON_ATTRIBUTE: &[Code] = &[Code::InvalidPath, Code::AttributeNotFound, Code::BuiltIn];
const ON_EVENT: &[Code] = &[Code::InvalidPath, Code::EventTypeNotFound, Code::BuiltIn];
const ON_PARAMETER: &[Code] = &[Code::InvalidPath, Code::ParameterNotFound, Code::BuiltIn];

/// What is in force where, said of each change.
const IN_FORCE: &str = "In force on every server within a second. What is stored is never rewritten.";

fn about(id: &'static str, summary: &'static str) -> Described {
    Described::new(id, Tag::Specs, summary, IN_FORCE).touches(Touches::Tables)
}

fn answering_attribute(described: Described, status: u16) -> Described {
    described.answers::<EntityAnswer<AttributeShape<'_>>>(status, "The attribute.", entity(attribute()))
}

fn answering_event(described: Described, status: u16) -> Described {
    described.answers::<EntityAnswer<EventShape<'_>>>(status, "The event type.", entity(event_type()))
}

fn answering_parameter(described: Described, status: u16) -> Described {
    described.answers::<EntityAnswer<ParameterShape<'_>>>(status, "The parameter.", entity(parameter()))
}

pub(super) fn list_attributes() -> Described {
    let description = "Lists the attributes that contacts of the project can have, built-in ones first.";
    Described::new("listAttributes", Tag::Specs, "List attributes", description).answers::<EntitiesAnswer<
        AttributeShape<'_>,
    >>(
        200,
        "The attributes.",
        entities(attribute()),
    )
}

pub(super) fn declare_attribute() -> Described {
    answering_attribute(about("declareAttribute", "Declare an attribute"), 201)
        .takes::<NewAttribute>(json!({ "uid": "shoe_size", "dataType": "int", "displayLabel": "Shoe size" }))
        .repeatable()
        .refuses(DECLARE)
        .leads_to(&["changeAttribute", "removeAttribute"], "attribute", "/entity/uid")
}

pub(super) fn change_attribute() -> Described {
    answering_attribute(about("changeAttribute", "Change an attribute"), 200)
        .takes::<AttributeChange>(json!({ "displayLabel": "Shoe size", "important": true }))
        .refuses(ON_ATTRIBUTE)
}

pub(super) fn remove_attribute() -> Described {
    answering_attribute(about("removeAttribute", "Take an attribute back"), 200).refuses(ON_ATTRIBUTE)
}

pub(super) fn list_events() -> Described {
    let description = "Lists the event types of the project, built-in ones first.";
    Described::new("listEventTypes", Tag::Specs, "List event types", description).answers::<EntitiesAnswer<
        EventShape<'_>,
    >>(
        200,
        "The event types.",
        entities(event_type()),
    )
}

pub(super) fn declare_event() -> Described {
    answering_event(about("declareEventType", "Declare an event type"), 201)
        .takes::<NewEvent>(json!({ "uid": "trial_ended", "name": "Trial ended", "category": "commerce" }))
        .repeatable()
        .refuses(DECLARE)
        .leads_to(
            &["listParameters", "declareParameter", "changeEventType", "removeEventType"],
            "event_type",
            "/entity/uid",
        )
}

pub(super) fn change_event() -> Described {
    answering_event(about("changeEventType", "Change an event type"), 200)
        .takes::<EventChange>(json!({ "name": "Trial ended", "important": true }))
        .refuses(ON_EVENT)
}

pub(super) fn remove_event() -> Described {
    answering_event(about("removeEventType", "Take an event type back"), 200).refuses(ON_EVENT)
}

pub(super) fn list_parameters() -> Described {
    let description = "Lists the declared parameters of one event type.";
    Described::new("listParameters", Tag::Specs, "List parameters", description)
        .answers::<EntitiesAnswer<ParameterShape<'_>>>(200, "The parameters.", entities(parameter()))
        .refuses(&[Code::InvalidPath, Code::EventTypeNotFound])
}

pub(super) fn declare_parameter() -> Described {
    answering_parameter(about("declareParameter", "Declare a parameter"), 201)
        .takes::<NewParameter>(json!({ "parameter": "days", "dataType": "int", "title": "Days" }))
        .repeatable()
        .refuses(&[Code::InvalidPath, Code::EventTypeNotFound, Code::AlreadyExists, Code::TooManySpecs])
        .leads_to(&["changeParameter", "removeParameter"], "parameter", "/entity/parameter")
}

pub(super) fn change_parameter() -> Described {
    answering_parameter(about("changeParameter", "Change a parameter"), 200)
        .takes::<ParameterChange>(json!({ "title": "Days", "maxLength": null }))
        .refuses(ON_PARAMETER)
}

pub(super) fn remove_parameter() -> Described {
    answering_parameter(about("removeParameter", "Take a parameter back"), 200).refuses(ON_PARAMETER)
}
