//! What the catalogue says about an attribute, an event type and a parameter.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The type of a value, which decides what is accepted and how it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// A short text.
    String,
    /// A long text.
    Text,
    /// A whole number of 64 bits with a sign.
    Int,
    /// A decimal number; every digit is kept.
    Decimal,
    /// True or false.
    Bool,
    /// A day, RFC 3339 `full-date`.
    Date,
    /// A moment, RFC 3339 `date-time`, stored in UTC with microseconds.
    Datetime,
    /// An e-mail address.
    Email,
    /// A phone number, stored as E.164.
    Phone,
    /// A country, ISO 3166-1 alpha-2.
    Country,
    /// A language, BCP 47.
    Language,
    /// A currency, ISO 4217.
    Currency,
    /// An absolute `http` or `https` URL.
    Url,
    /// Any JSON value, kept as sent.
    Payload,
}

impl DataType {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::String,
        Self::Text,
        Self::Int,
        Self::Decimal,
        Self::Bool,
        Self::Date,
        Self::Datetime,
        Self::Email,
        Self::Phone,
        Self::Country,
        Self::Language,
        Self::Currency,
        Self::Url,
        Self::Payload,
    ];

    /// The name on the wire, lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Text => "text",
            Self::Int => "int",
            Self::Decimal => "decimal",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Country => "country",
            Self::Language => "language",
            Self::Currency => "currency",
            Self::Url => "url",
            Self::Payload => "payload",
        }
    }

    /// Whether the empty string is a value of this type, and so does not clear it.
    pub const fn has_empty_string(self) -> bool {
        matches!(self, Self::String | Self::Text | Self::Payload)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no data type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a data type")]
pub struct UnknownDataType;

impl FromStr for DataType {
    type Err = UnknownDataType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|data_type| data_type.as_str() == text).ok_or(UnknownDataType)
    }
}

/// One attribute of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeSpec {
    /// The member's name; built-in ones begin with `_`.
    pub uid: String,
    /// What a form would call it.
    pub display_label: String,
    /// What it means, in one sentence.
    pub description: String,
    /// The type of its value, or of each of its values.
    pub data_type: DataType,
    /// Whether it holds an array.
    pub multivalue: bool,
    /// Whether an upsert without it is refused.
    pub required_in_webhook: bool,
    /// Whether only the server sets it.
    pub read_only: bool,
    /// Whether a short list of attributes should show it.
    pub important: bool,
    /// Whether a form should show it at all.
    pub visible: bool,
    /// Whether the project declared it; false for the built-in set.
    pub custom: bool,
}

/// One type of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventSpec {
    /// The value of `_event_type`.
    pub uid: String,
    /// What a list would call it.
    pub name: String,
    /// One emoji to show beside the name.
    pub emoji: String,
    /// The name of an icon, lower case with hyphens.
    pub icon: String,
    /// What happened when such an event is sent, in one sentence.
    pub description: String,
    /// The group it is listed under, lower case.
    pub category: String,
    /// Whether a short list of types should show it.
    pub important: bool,
    /// Its declared parameters; others are kept as sent.
    #[serde(skip)]
    pub parameters: Vec<ParameterSpec>,
}

impl EventSpec {
    /// The declared parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&ParameterSpec> {
        self.parameters.iter().find(|spec| spec.parameter == name)
    }
}

/// One declared parameter of an event type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterSpec {
    /// The member's name inside `_event_parameters`.
    pub parameter: String,
    /// What a form would call it.
    pub title: String,
    /// What it means, in one sentence.
    pub description: String,
    /// The type of its value, or of each of its values.
    pub data_type: DataType,
    /// Longest value in characters (Unicode scalar values); none leaves it to the server's limits.
    pub max_length: Option<u32>,
    /// Whether an event without it is refused.
    pub required: bool,
    /// Whether it holds an array.
    pub multi_value: bool,
}

/// One thing that a project added to the built-in set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// An attribute of contacts.
    Attribute(AttributeSpec),
    /// A type of event, without its parameters.
    Event(EventSpec),
    /// A parameter of a type that is built in or declared.
    Parameter {
        /// The type.
        event_type: String,
        /// The parameter.
        spec: ParameterSpec,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for data_type in DataType::ALL {
            assert_eq!(data_type.as_str().parse(), Ok(data_type));
        }
        assert_eq!("String".parse::<DataType>(), Err(UnknownDataType));
    }
}
