//! Masking e-mail addresses and phone numbers from keys that may not see them.

use serde_json::{Value, value::RawValue};

use crate::{
    auth::{Caller, scope::Scope, text::Kind},
    domain::{catalogue::Catalogue, spec::DataType},
};

/// Whether a caller sees contacts whole: a datasource token its own, any other key with `PROJECT_AUDIENCE_DATA_BASIC`.
pub(super) fn sees_all(caller: &Caller) -> bool {
    caller.key().kind == Kind::Datasource || caller.may(Scope::ProjectAudienceDataBasic)
}

/// The attribute as such a caller may see it.
pub(super) fn masked(name: &str, value: Box<RawValue>, catalogue: &Catalogue) -> Box<RawValue> {
    let Some(spec) = catalogue.attribute(name) else { return value };
    let mask = match spec.data_type {
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
        masked(name, value, Catalogue::builtin()).get().to_owned()
    }

    #[test]
    fn addresses_and_numbers_are_masked_and_nothing_else() {
        assert_eq!(mask("_email", "\"ada@example.com\""), "\"a•••@•••.com\"");
        assert_eq!(mask("_phone_mobile", "\"+34600111221\""), "\"+•••21\"");
        assert_eq!(mask("_city", "\"a@b.com\""), "\"a@b.com\"");
        assert_eq!(mask("own", "\"a@b.com\""), "\"a@b.com\"");
    }
}
