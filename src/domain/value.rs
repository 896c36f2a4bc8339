//! One value against its spec: what is accepted, and the one text that is stored for it.

use std::borrow::Cow;

use super::{
    batch::Rules,
    country::Country,
    currency::currency,
    date,
    email::email,
    json::{elements, quote_into, unquote},
    language::language,
    number,
    phone::phone,
    rejection::Rule,
    spec::{AttributeSpec, DataType, ParameterSpec},
    url::url,
};

/// What a spec demands of a value.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The type of the value, or of each value of an array.
    pub data_type: DataType,
    /// Whether arrays are taken; a single value then counts as an array of one.
    pub multi_value: bool,
    /// Longest text in characters; none leaves it to the server's limits.
    pub max_length: Option<u32>,
}

impl From<&AttributeSpec> for Shape {
    fn from(spec: &AttributeSpec) -> Self {
        Self { data_type: spec.data_type, multi_value: spec.multivalue, max_length: None }
    }
}

impl From<&ParameterSpec> for Shape {
    fn from(spec: &ParameterSpec) -> Self {
        Self { data_type: spec.data_type, multi_value: spec.multi_value, max_length: spec.max_length }
    }
}

/// What is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalised {
    /// Nothing: the value was `null`, or the empty string where the type has none.
    Clear,
    /// This compact JSON text.
    Set(String),
}

/// Judges the JSON text `raw`, which has passed the poison scan, and brings it into its stored form.
///
/// Every type takes its string form (`"12.5"`, `"true"`, `"2026-11-20"`), with white space around it.
///
/// # Errors
/// The broken rule, to be read after the field's name.
pub fn normalise(raw: &str, shape: Shape, rules: &Rules<'_>) -> Result<Normalised, Rule> {
    let mut text = String::with_capacity(raw.len());
    let set = normalise_into(raw, shape, rules, &mut text)?;
    Ok(if set { Normalised::Set(text) } else { Normalised::Clear })
}

/// Appends the stored form that [`normalise`] gives to `out`; `false` where nothing is to be stored, and nothing was appended.
///
/// # Errors
/// As [`normalise`]; `out` may have gained the beginning of a value then.
pub fn normalise_into(raw: &str, shape: Shape, rules: &Rules<'_>, out: &mut String) -> Result<bool, Rule> {
    if raw == "null" || (raw == "\"\"" && !shape.data_type.has_empty_string()) {
        return Ok(false);
    }
    let is_array = raw.starts_with('[');
    match (is_array, shape.multi_value) {
        (true, true) => array(raw, shape, rules, out)?,
        (true, false) if shape.data_type != DataType::Payload => {
            return Err("takes one value, not an array".into());
        }
        (false, true) => {
            out.push('[');
            one(raw, shape, rules, out)?;
            out.push(']');
        }
        (_, false) => one(raw, shape, rules, out)?,
    }
    Ok(true)
}

fn array(raw: &str, shape: Shape, rules: &Rules<'_>, out: &mut String) -> Result<(), Rule> {
    out.push('[');
    for (at, element) in elements(raw).enumerate() {
        if at == rules.caps.values {
            return Err(format!("has more than {} values", rules.caps.values).into());
        }
        if at > 0 {
            out.push(',');
        }
        one(element, shape, rules, out).map_err(|rule| format!("value {at} {rule}"))?;
    }
    out.push(']');
    Ok(())
}

/// One value that is no array of values.
fn one(raw: &str, shape: Shape, rules: &Rules<'_>, out: &mut String) -> Result<(), Rule> {
    let text = if raw.starts_with('"') { unquote(raw) } else { None };
    match shape.data_type {
        DataType::Payload => out.push_str(raw),
        DataType::Bool => out.push_str(boolean(text.as_deref().unwrap_or(raw))?),
        DataType::Int => out.push_str(&number::int(text.as_deref().map_or(raw, str::trim), rules.caps)?),
        DataType::Decimal => {
            out.push_str(&number::decimal(text.as_deref().map_or(raw, str::trim), rules.caps)?);
        }
        _ => {
            let text = text.ok_or("must be a string; put the value in quotes")?;
            // A text that needed no decoding needs no escapes either.
            let as_sent = matches!(shape.data_type, DataType::String | DataType::Text)
                && matches!(text, Cow::Borrowed(_));
            let stored = in_words(text, shape, rules)?;
            within(&stored, shape, rules)?;
            if as_sent {
                out.push_str(raw);
            } else {
                quote_into(&stored, out);
            }
        }
    }
    Ok(())
}

fn boolean(text: &str) -> Result<&'static str, Rule> {
    match text.trim() {
        "1" => Ok("true"),
        "0" => Ok("false"),
        word if word.eq_ignore_ascii_case("true") => Ok("true"),
        word if word.eq_ignore_ascii_case("false") => Ok("false"),
        _ => Err("is not true or false".into()),
    }
}

/// The types whose stored form is a string.
fn in_words<'t>(text: Cow<'t, str>, shape: Shape, rules: &Rules<'_>) -> Result<Cow<'t, str>, Rule> {
    let trimmed = text.trim();
    let stored = match shape.data_type {
        DataType::Date => date::date(trimmed).ok_or(date::NOT_A_DATE)?.to_string(),
        DataType::Datetime => date::datetime(trimmed).ok_or(date::NOT_A_TIME)?.to_string(),
        DataType::Email => email(trimmed).ok_or("is not a valid e-mail address")?,
        DataType::Phone => phone(trimmed, rules.default_country)?,
        DataType::Country => Country::parse(trimmed)
            .ok_or("is not an ISO 3166-1 alpha-2 country code, such as DE")?
            .to_string(),
        DataType::Language => language(trimmed).ok_or("is not a BCP 47 language tag, such as de or de-AT")?,
        DataType::Currency => {
            let code = currency(trimmed).ok_or("is not an ISO 4217 currency code, such as EUR")?;
            return Ok(Cow::Borrowed(code));
        }
        DataType::Url => url(trimmed).ok_or("is not an absolute http or https URL of at most 2048 bytes")?,
        _ => return Ok(text),
    };
    Ok(Cow::Owned(stored))
}

/// The length of a stored text.
fn within(stored: &str, shape: Shape, rules: &Rules<'_>) -> Result<(), Rule> {
    let bytes =
        if shape.data_type == DataType::Text { rules.caps.text_bytes } else { rules.caps.string_bytes };
    match shape.max_length {
        // Bytes are at least as many as characters: counting is needed only near the limit.
        Some(longest) if stored.len() > longest as usize && stored.chars().count() > longest as usize => {
            Err(format!("is longer than {longest} characters").into())
        }
        None if stored.len() > bytes => Err(format!("is longer than {bytes} bytes").into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{caps::Caps, catalogue::Catalogue};

    fn judge(data_type: DataType, multi_value: bool, raw: &str) -> Result<Normalised, Rule> {
        let caps = Caps::default();
        let rules = Rules {
            caps: &caps,
            catalogue: Catalogue::builtin(),
            strict: false,
            default_country: Country::parse("DE"),
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        normalise(raw, Shape { data_type, multi_value, max_length: Some(12) }, &rules)
    }

    #[rstest::rstest]
    #[case(DataType::Decimal, "\"12.5\"", "12.5")]
    #[case(DataType::Decimal, "12.50", "12.5")]
    #[case(DataType::Decimal, "\" 7 \"", "7")]
    #[case(DataType::Int, "\"42\"", "42")]
    #[case(DataType::Bool, "\"1\"", "true")]
    #[case(DataType::Bool, "0", "false")]
    #[case(DataType::Bool, "\"False\"", "false")]
    #[case(DataType::Date, "\"2026-11-20\"", "\"2026-11-20\"")]
    #[case(DataType::Country, "\"at\"", "\"AT\"")]
    #[case(DataType::Currency, "\"eur\"", "\"EUR\"")]
    #[case(DataType::Language, "\"de_AT\"", "\"de-AT\"")]
    #[case(DataType::Phone, "\"030 901820\"", "\"+4930901820\"")]
    #[case(DataType::String, "\"\\u0041 b \"", "\"A b \"")]
    #[case(DataType::String, "\"\"", "\"\"")]
    #[case(DataType::String, "\"öööööööööööö\"", "\"öööööööööööö\"")]
    #[case(DataType::Payload, "[1, {}]", "[1, {}]")]
    fn accepted(#[case] data_type: DataType, #[case] raw: &str, #[case] stored: &str) {
        assert_eq!(judge(data_type, false, raw), Ok(Normalised::Set(stored.to_owned())));
    }

    #[rstest::rstest]
    #[case(DataType::Decimal, "\"abc\"")]
    #[case(DataType::Decimal, "true")]
    #[case(DataType::Decimal, "{}")]
    #[case(DataType::Decimal, "[1]")]
    #[case(DataType::Decimal, "\" \"")]
    #[case(DataType::Int, "1.5")]
    #[case(DataType::Bool, "\"yes\"")]
    #[case(DataType::String, "12")]
    #[case(DataType::String, "\"ööööööööööööö\"")]
    #[case(DataType::Email, "\"nope\"")]
    #[case(DataType::Country, "\"UK\"")]
    #[case(DataType::Currency, "{}")]
    fn refused(#[case] data_type: DataType, #[case] raw: &str) {
        assert!(judge(data_type, false, raw).is_err());
    }

    #[test]
    fn nothing_clears() {
        assert_eq!(judge(DataType::Int, false, "null"), Ok(Normalised::Clear));
        assert_eq!(judge(DataType::String, false, "null"), Ok(Normalised::Clear));
        assert_eq!(judge(DataType::Int, false, "\"\""), Ok(Normalised::Clear));
    }

    #[test]
    fn arrays_are_for_multi_value() {
        assert_eq!(
            judge(DataType::String, true, "[\"a\", \"b\"]"),
            Ok(Normalised::Set("[\"a\",\"b\"]".into()))
        );
        assert_eq!(judge(DataType::String, true, "\"a\""), Ok(Normalised::Set("[\"a\"]".into())));
        assert_eq!(judge(DataType::Int, true, "[]"), Ok(Normalised::Set("[]".into())));
        assert_eq!(
            judge(DataType::Int, true, "[1,\"x\"]").unwrap_err(),
            "value 1 is not a whole number of at most 64 bits, such as 42"
        );
        assert!(judge(DataType::String, true, "[null]").is_err());
        assert!(judge(DataType::Int, true, &format!("[{}0]", "0,".repeat(100))).is_err());
    }
}
