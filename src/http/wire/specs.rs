//! Catalogues.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AttributeName, Description, EventTypeName, Label, MaxLength, ParameterName, Whole, Word, nullable,
};
use crate::domain::{
    declare::{AttributePatch, EventPatch, ParameterPatch},
    spec::{AttributeSpec, DataType, EventSpec, ParameterSpec},
};

/// A catalogue.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Specs<T> {
    pub(in crate::http) specs: Vec<T>,
}

/// An attribute of contacts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attribute)]
pub(in crate::http) struct AttributeShape<'a> {
    /// The member's name; built-in ones begin with `_`.
    uid: &'a str,
    /// What a form would call it.
    display_label: &'a str,
    /// What it means, in one sentence.
    description: &'a str,
    /// The type of its value, or of each of its values.
    #[schema(value_type = DataType)]
    data_type: &'static str,
    /// Whether it holds an array.
    multivalue: bool,
    /// Whether an upsert without it is refused.
    required_in_webhook: bool,
    /// Whether only the server sets it.
    read_only: bool,
    /// Whether a short list should show it.
    important: bool,
    /// Whether a form should show it at all.
    visible: bool,
    /// Whether the project declared it.
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventType)]
pub(in crate::http) struct EventShape<'a> {
    /// The value of `_event_type`.
    uid: &'a str,
    /// What a list would call it.
    name: &'a str,
    /// One emoji to show beside the name.
    emoji: &'a str,
    /// The name of an icon.
    icon: &'a str,
    /// What happened, in one sentence.
    description: &'a str,
    /// The group that it is listed under.
    category: &'a str,
    /// Whether a short list should show it.
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
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Parameter)]
pub(in crate::http) struct ParameterShape<'a> {
    /// The member's name inside `_event_parameters`.
    parameter: &'a str,
    /// What a form would call it.
    title: &'a str,
    /// What it means, in one sentence.
    description: &'a str,
    /// The type of its value, or of each of its values.
    #[schema(value_type = DataType)]
    data_type: &'static str,
    /// Longest value in characters; `null` leaves it to the server's limits.
    #[schema(required = true)]
    max_length: Option<u32>,
    /// Whether an event without it is refused.
    required: bool,
    /// Whether it holds an array.
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

/// The body that declares an attribute of the project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct NewAttribute {
    #[schema(value_type = AttributeName)]
    pub(in crate::http) uid: String,
    pub(in crate::http) data_type: DataType,
    #[schema(value_type = Option<Label>)]
    display_label: Option<String>,
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    /// Whether it holds an array.
    multivalue: Option<bool>,
    /// Whether an upsert without it is refused.
    required_in_webhook: Option<bool>,
    /// Whether a short list should show it.
    important: Option<bool>,
    /// Whether a form should show it at all.
    visible: Option<bool>,
}

/// The body that changes an attribute of the project; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct AttributeChange {
    data_type: Option<DataType>,
    #[schema(value_type = Option<Label>)]
    display_label: Option<String>,
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    /// Whether it holds an array.
    multivalue: Option<bool>,
    /// Whether an upsert without it is refused.
    required_in_webhook: Option<bool>,
    /// Whether a short list should show it.
    important: Option<bool>,
    /// Whether a form should show it at all.
    visible: Option<bool>,
}

impl From<NewAttribute> for AttributePatch {
    fn from(body: NewAttribute) -> Self {
        Self {
            data_type: Some(body.data_type),
            display_label: body.display_label,
            description: body.description,
            multivalue: body.multivalue,
            required_in_webhook: body.required_in_webhook,
            important: body.important,
            visible: body.visible,
        }
    }
}

impl From<AttributeChange> for AttributePatch {
    fn from(body: AttributeChange) -> Self {
        Self {
            data_type: body.data_type,
            display_label: body.display_label,
            description: body.description,
            multivalue: body.multivalue,
            required_in_webhook: body.required_in_webhook,
            important: body.important,
            visible: body.visible,
        }
    }
}

/// The body that declares a type of event of the project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewEventType)]
pub(in crate::http) struct NewEvent {
    #[schema(value_type = EventTypeName)]
    pub(in crate::http) uid: String,
    #[schema(value_type = Option<Label>)]
    name: Option<String>,
    #[schema(value_type = Option<Word>)]
    emoji: Option<String>,
    #[schema(value_type = Option<Word>)]
    icon: Option<String>,
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    #[schema(value_type = Option<Label>)]
    category: Option<String>,
    /// Whether a short list should show it.
    important: Option<bool>,
}

/// The body that changes a type of event of the project; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EventTypeChange)]
pub(in crate::http) struct EventChange {
    #[schema(value_type = Option<Label>)]
    name: Option<String>,
    #[schema(value_type = Option<Word>)]
    emoji: Option<String>,
    #[schema(value_type = Option<Word>)]
    icon: Option<String>,
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    #[schema(value_type = Option<Label>)]
    category: Option<String>,
    /// Whether a short list should show it.
    important: Option<bool>,
}

impl From<NewEvent> for EventPatch {
    fn from(body: NewEvent) -> Self {
        Self {
            name: body.name,
            emoji: body.emoji,
            icon: body.icon,
            description: body.description,
            category: body.category,
            important: body.important,
        }
    }
}

impl From<EventChange> for EventPatch {
    fn from(body: EventChange) -> Self {
        Self {
            name: body.name,
            emoji: body.emoji,
            icon: body.icon,
            description: body.description,
            category: body.category,
            important: body.important,
        }
    }
}

/// The body that declares a parameter of a type of event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct NewParameter {
    #[schema(value_type = ParameterName)]
    pub(in crate::http) parameter: String,
    pub(in crate::http) data_type: DataType,
    #[schema(value_type = Option<Label>)]
    title: Option<String>,
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    #[schema(value_type = Option<MaxLength>)]
    max_length: Option<Whole<u32>>,
    /// Whether an event without it is refused; never on a built-in type.
    required: Option<bool>,
    /// Whether it holds an array.
    multi_value: Option<bool>,
}

/// The body that changes a parameter of a type of event; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct ParameterChange {
    data_type: Option<DataType>,
    #[schema(value_type = Option<Label>)]
    title: Option<String>,
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<MaxLength>)]
    max_length: Option<Option<Whole<u32>>>,
    /// Whether an event without it is refused; never on a built-in type.
    required: Option<bool>,
    /// Whether it holds an array.
    multi_value: Option<bool>,
}

impl From<NewParameter> for ParameterPatch {
    fn from(body: NewParameter) -> Self {
        Self {
            data_type: Some(body.data_type),
            title: body.title,
            description: body.description,
            max_length: body.max_length.map(|length| Some(length.0)),
            required: body.required,
            multi_value: body.multi_value,
        }
    }
}

impl From<ParameterChange> for ParameterPatch {
    fn from(body: ParameterChange) -> Self {
        Self {
            data_type: body.data_type,
            title: body.title,
            description: body.description,
            max_length: body.max_length.map(|length| length.map(|length| length.0)),
            required: body.required,
            multi_value: body.multi_value,
        }
    }
}
