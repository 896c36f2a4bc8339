//! Catalogues.

use serde::{Deserialize, Serialize};

use super::nullable;
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
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct AttributeShape<'a> {
    uid: &'a str,
    display_label: &'a str,
    description: &'a str,
    data_type: &'static str,
    multivalue: bool,
    required_in_webhook: bool,
    read_only: bool,
    important: bool,
    visible: bool,
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
#[derive(Debug, Serialize)]
pub(in crate::http) struct EventShape<'a> {
    uid: &'a str,
    name: &'a str,
    emoji: &'a str,
    icon: &'a str,
    description: &'a str,
    category: &'a str,
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
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ParameterShape<'a> {
    parameter: &'a str,
    title: &'a str,
    description: &'a str,
    data_type: &'static str,
    max_length: Option<u32>,
    required: bool,
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
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct NewAttribute {
    pub(in crate::http) uid: String,
    pub(in crate::http) data_type: DataType,
    display_label: Option<String>,
    description: Option<String>,
    multivalue: Option<bool>,
    required_in_webhook: Option<bool>,
    important: Option<bool>,
    visible: Option<bool>,
}

/// The body that changes an attribute of the project; what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct AttributeChange {
    data_type: Option<DataType>,
    display_label: Option<String>,
    description: Option<String>,
    multivalue: Option<bool>,
    required_in_webhook: Option<bool>,
    important: Option<bool>,
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
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct NewEvent {
    pub(in crate::http) uid: String,
    name: Option<String>,
    emoji: Option<String>,
    icon: Option<String>,
    description: Option<String>,
    category: Option<String>,
    important: Option<bool>,
}

/// The body that changes a type of event of the project; what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct EventChange {
    name: Option<String>,
    emoji: Option<String>,
    icon: Option<String>,
    description: Option<String>,
    category: Option<String>,
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
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct NewParameter {
    pub(in crate::http) parameter: String,
    pub(in crate::http) data_type: DataType,
    title: Option<String>,
    description: Option<String>,
    max_length: Option<u32>,
    required: Option<bool>,
    multi_value: Option<bool>,
}

/// The body that changes a parameter of a type of event; what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct ParameterChange {
    data_type: Option<DataType>,
    title: Option<String>,
    description: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    max_length: Option<Option<u32>>,
    required: Option<bool>,
    multi_value: Option<bool>,
}

impl From<NewParameter> for ParameterPatch {
    fn from(body: NewParameter) -> Self {
        Self {
            data_type: Some(body.data_type),
            title: body.title,
            description: body.description,
            max_length: body.max_length.map(Some),
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
            max_length: body.max_length,
            required: body.required,
            multi_value: body.multi_value,
        }
    }
}
