//! Masking e-mail addresses and phone numbers from keys that may not see them.

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use crate::{
    auth::{Caller, scope::Scope, text::Kind},
    domain::{
        catalogue::Catalogue,
        spec::{DataType, EventSpec},
    },
};

/// Whether a caller sees contacts whole: a datasource token its own, any other key with `PROJECT_AUDIENCE_DATA_BASIC`.
pub(super) fn sees_all(caller: &Caller) -> bool {
    caller.key().kind == Kind::Datasource || caller.may(Scope::ProjectAudienceDataBasic)
}

/// The attributes of a stored contact as a caller may see them.
///
/// # Errors
/// When what is stored is no JSON object, which is a defect.
pub(super) fn seen(
    caller: &Caller,
    catalogue: &Catalogue,
    attributes: &str,
) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
    let whole: BTreeMap<String, Box<RawValue>> = serde_json::from_str(attributes)?;
    if sees_all(caller) {
        return Ok(whole);
    }
    let types = |name: &str| catalogue.attribute(name).map(|spec| spec.data_type);
    Ok(whole
        .into_iter()
        .map(|(name, value)| {
            let value = masked(types(&name), value);
            (name, value)
        })
        .collect())
}

/// The parameters of an event as a caller may see them; those that the catalogue does not declare are not known to hold either.
///
/// # Errors
/// As [`seen`].
pub(super) fn seen_parameters(
    caller: &Caller,
    spec: Option<&EventSpec>,
    parameters: String,
) -> serde_json::Result<Box<RawValue>> {
    let spec = spec.filter(|spec| spec.parameters.iter().any(|one| is_masked(one.data_type)));
    let Some(spec) = spec.filter(|_| !sees_all(caller)) else { return RawValue::from_string(parameters) };
    let whole: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&parameters)?;
    let types = |name: &str| spec.parameter(name).map(|one| one.data_type);
    let seen: BTreeMap<String, Box<RawValue>> = whole
        .into_iter()
        .map(|(name, value)| {
            let value = masked(types(&name), value);
            (name, value)
        })
        .collect();
    serde_json::value::to_raw_value(&seen)
}

fn is_masked(data_type: DataType) -> bool {
    matches!(data_type, DataType::Email | DataType::Phone)
}

/// A value of this type as a caller who may not see addresses and numbers sees it.
fn masked(data_type: Option<DataType>, value: Box<RawValue>) -> Box<RawValue> {
    let Some(data_type) = data_type else { return value };
    let mask = match data_type {
        DataType::Email => email,
        DataType::Phone => phone,
        _ => return value,
    };
    let Ok(mut seen) = serde_json::from_str::<Value>(value.get()) else { return value };
    apply(&mut seen, mask);
    serde_json::value::to_raw_value(&seen).unwrap_or(value)
}

fn apply(value: &mut Value, mask: fn(&str) -> String) {
    match value {
        Value::String(text) => *text = mask(text),
        Value::Array(values) => values.iter_mut().for_each(|value| apply(value, mask)),
        _ => {}
    }
}

/// The first letter and the top-level domain stay: `a•••@•••.com`.
fn email(text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    let top = text.rsplit_once('.').map_or("", |(_, top)| top);
    format!("{first}•••@•••.{top}")
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

    fn mask(name: &str, json: &str) -> String {
        let value = RawValue::from_string(json.into()).unwrap();
        let data_type = Catalogue::builtin().attribute(name).map(|spec| spec.data_type);
        masked(data_type, value).get().to_owned()
    }

    #[test]
    fn addresses_and_numbers_are_masked_and_nothing_else() {
        assert_eq!(mask("_email", "\"ada@example.com\""), "\"a•••@•••.com\"");
        assert_eq!(mask("_phone_mobile", "\"+34600111221\""), "\"+•••21\"");
        assert_eq!(mask("_city", "\"a@b.com\""), "\"a@b.com\"");
        assert_eq!(mask("own", "\"a@b.com\""), "\"a@b.com\"");
    }
}
