//! Masking e-mail addresses and phone numbers from keys that may not see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    auth::{Caller, scope::Scope, text::Kind},
    domain::{
        catalogue::Catalogue,
        spec::{DataType, EventSpec},
    },
};

/// What is shown of a value of which nothing can be shown.
const HIDDEN: &str = "•••";

/// Longest text that is taken for a top-level domain, in bytes.
const LONGEST_TOP: usize = 24;

/// How somebody sees contacts and what they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// As they are stored.
    Whole,
    /// Without e-mail addresses and phone numbers.
    Masked,
}

impl Sight {
    /// That of a caller: a datasource token sees its own contacts whole, any other key needs `PROJECT_AUDIENCE_DATA_BASIC`.
    pub fn of(caller: &Caller) -> Self {
        let whole = caller.key().kind == Kind::Datasource || caller.may(Scope::ProjectAudienceDataBasic);
        if whole { Self::Whole } else { Self::Masked }
    }
}

/// The attributes of a stored contact as they may be seen.
///
/// # Errors
/// When what is stored is no JSON object, which is a defect.
pub fn seen(
    sight: Sight,
    catalogue: &Catalogue,
    attributes: &str,
) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
    let mut whole: BTreeMap<String, Box<RawValue>> = serde_json::from_str(attributes)?;
    if sight == Sight::Masked {
        for (name, value) in &mut whole {
            let data_type = catalogue.attribute(name).map(|spec| spec.data_type);
            mask(data_type, value);
        }
    }
    Ok(whole)
}

/// What changed of a contact, as it may be seen.
///
/// # Errors
/// As [`seen`].
pub fn seen_changes(
    sight: Sight,
    catalogue: &Catalogue,
    changes: String,
) -> serde_json::Result<Box<RawValue>> {
    if sight == Sight::Whole {
        return RawValue::from_string(changes);
    }
    let mut fields: BTreeMap<String, Change> = serde_json::from_str(&changes)?;
    for (name, change) in &mut fields {
        let data_type = catalogue.attribute(name).map(|spec| spec.data_type);
        mask(data_type, &mut change.from);
        mask(data_type, &mut change.to);
    }
    serde_json::value::to_raw_value(&fields)
}

/// One field of a contact before and after.
#[derive(Debug, Serialize, Deserialize)]
struct Change {
    from: Box<RawValue>,
    to: Box<RawValue>,
}

/// The parameters of an event as they may be seen; those that the catalogue does not declare are not known to hold either.
///
/// # Errors
/// As [`seen`].
pub fn seen_parameters(
    sight: Sight,
    spec: Option<&EventSpec>,
    parameters: String,
) -> serde_json::Result<Box<RawValue>> {
    let spec = spec.filter(|spec| spec.parameters.iter().any(|one| is_masked(one.data_type)));
    let Some(spec) = spec.filter(|_| sight == Sight::Masked) else {
        return RawValue::from_string(parameters);
    };
    let mut whole: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&parameters)?;
    for (name, value) in &mut whole {
        let data_type = spec.parameter(name).map(|one| one.data_type);
        mask(data_type, value);
    }
    serde_json::value::to_raw_value(&whole)
}

/// Whether values of this type are masked from those who may not see addresses and numbers.
pub fn is_masked(data_type: DataType) -> bool {
    matches!(data_type, DataType::Email | DataType::Phone)
}

/// Makes a value of this type what somebody sees who may not see addresses and numbers. There is nothing to hide in a null.
///
/// What was stored before the type was declared may be any JSON; what cannot be taken apart is not shown at all.
fn mask(data_type: Option<DataType>, value: &mut Box<RawValue>) {
    let mask = match data_type {
        Some(DataType::Email) => Mask { text: email, number: |_| HIDDEN.to_owned() },
        Some(DataType::Phone) => Mask { text: phone, number: phone },
        _ => return,
    };
    let seen = match serde_json::from_str::<Value>(value.get()) {
        Ok(whole) => serde_json::value::to_raw_value(&apply(whole, mask)),
        Err(_) => serde_json::value::to_raw_value(HIDDEN),
    };
    *value = seen.unwrap_or_else(|_| RawValue::NULL.to_owned());
}

/// What is shown of a text, and of a number by its digits.
#[derive(Clone, Copy)]
struct Mask {
    text: fn(&str) -> String,
    number: fn(&str) -> String,
}

/// A value with every text and number in it masked, the names of members included where they may be one.
fn apply(value: Value, mask: Mask) -> Value {
    match value {
        Value::String(text) => Value::String((mask.text)(&text)),
        Value::Number(number) => Value::String((mask.number)(&number.to_string())),
        Value::Array(values) => Value::Array(values.into_iter().map(|value| apply(value, mask)).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let name = if is_plain(&name) { name } else { (mask.text)(&name) };
                    (name, apply(value, mask))
                })
                .collect(),
        ),
        Value::Bool(_) | Value::Null => value,
    }
}

/// Whether the name of a member can be no address and no number: letters, hyphens and underscores alone.
fn is_plain(name: &str) -> bool {
    name.chars().all(|character| character.is_alphabetic() || matches!(character, '_' | '-'))
}

/// The first letter and the top-level domain stay: `a•••@•••.com`.
fn email(text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    let domain = text.rsplit_once('@').map(|(_, domain)| domain);
    match domain.and_then(|domain| domain.rsplit_once('.')) {
        Some((_, top)) if is_top(top) => format!("{first}•••@•••.{top}"),
        _ => format!("{first}•••@•••"),
    }
}

/// Whether a text can be shown as a top-level domain, and is not the rest of something else.
fn is_top(text: &str) -> bool {
    (1..=LONGEST_TOP).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The last two digits stay: `+•••21`.
fn phone(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let last: String = digits[digits.len().saturating_sub(2)..].iter().collect();
    format!("+•••{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(data_type: DataType, json: &str) -> String {
        let mut value = RawValue::from_string(json.into()).unwrap();
        mask(Some(data_type), &mut value);
        value.get().to_owned()
    }

    fn attribute(name: &str, json: &str) -> String {
        let mut value = RawValue::from_string(json.into()).unwrap();
        let data_type = Catalogue::builtin().attribute(name).map(|spec| spec.data_type);
        mask(data_type, &mut value);
        value.get().to_owned()
    }

    #[test]
    fn addresses_and_numbers_are_masked_and_nothing_else() {
        assert_eq!(attribute("_email", "\"ada@example.com\""), "\"a•••@•••.com\"");
        assert_eq!(attribute("_phone_mobile", "\"+34600111221\""), "\"+•••21\"");
        assert_eq!(attribute("_city", "\"a@b.com\""), "\"a@b.com\"");
        assert_eq!(attribute("own", "\"a@b.com\""), "\"a@b.com\"");
    }

    #[rstest::rstest]
    #[case("ada@example.co.uk", "a•••@•••.uk")]
    #[case("ada.lovelace", "a•••@•••")]
    #[case("john.smith@corp", "j•••@•••")]
    #[case("ada@example.com, bob@corp", "a•••@•••")]
    #[case("ada@example.4711", "a•••@•••")]
    #[case("ada@example.", "a•••@•••")]
    #[case("ada@example.abcdefghijklmnopqrstuvwxy", "a•••@•••")]
    #[case("", "•••@•••")]
    fn only_a_top_level_domain_is_left_of_an_address(#[case] text: &str, #[case] seen: &str) {
        assert_eq!(email(text), seen);
    }

    #[rstest::rstest]
    #[case(DataType::Phone, "34600111222", "\"+•••22\"")]
    #[case(
        DataType::Phone,
        "[34600111222,[\"600 111 223\"],null,true]",
        "[\"+•••22\",[\"+•••23\"],null,true]"
    )]
    #[case(
        DataType::Phone,
        "{\"34600111222\":{\"work-no\":1234567}}",
        "{\"+•••22\":{\"work-no\":\"+•••67\"}}"
    )]
    #[case(DataType::Email, "34600111222", "\"•••\"")]
    #[case(DataType::Email, "{\"a\":\"ada@example.com\"}", "{\"a\":\"a•••@•••.com\"}")]
    #[case(DataType::Email, "{\"ada@example.com\":[false]}", "{\"a•••@•••.com\":[false]}")]
    fn what_was_stored_before_the_declaration_is_masked_too(
        #[case] data_type: DataType,
        #[case] json: &str,
        #[case] seen: &str,
    ) {
        assert_eq!(raw(data_type, json), seen);
    }

    #[test]
    fn what_cannot_be_taken_apart_is_not_shown() {
        let deep = format!("{}\"ada@example.com\"{}", "[".repeat(200), "]".repeat(200));
        for data_type in [DataType::Email, DataType::Phone] {
            assert_eq!(raw(data_type, &deep), "\"•••\"");
            assert_eq!(raw(data_type, "34600111222e999"), "\"•••\"");
        }
    }
}
