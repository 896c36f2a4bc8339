//! The canonical text of a JSON value: two texts mean the same exactly when their canonical texts are equal.
//!
//! Members are sorted by the bytes of their names and the last of two equal names wins (as in PostgreSQL's `jsonb`),
//! numbers and strings have one spelling, white space is gone. Not RFC 8785: numbers keep every digit.

use std::{borrow::Cow, ops::Range};

use super::{
    json::{quote_into, skip_space, string_end, unquote, value_end},
    number::canonical_number,
};

/// Deeper values are copied as they are. The poison scan keeps them out; this keeps the stack safe without it.
const DEEPEST: usize = 128;

/// The canonical text of `raw`, which must be valid JSON; other text gives some text, never a panic.
pub fn canonical(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    canonical_into(raw, &mut out);
    out
}

/// Appends what [`canonical`] gives.
pub fn canonical_into(raw: &str, out: &mut String) {
    let start = skip_space(raw.as_bytes(), 0);
    value(raw, start, 0, out);
}

/// Whether two JSON texts mean the same value.
pub fn same(one: &str, other: &str) -> bool {
    one == other || canonical(one) == canonical(other)
}

/// Writes the value that begins at `at`; returns the position after it.
fn value(raw: &str, at: usize, depth: usize, out: &mut String) -> usize {
    match raw.as_bytes().get(at) {
        Some(b'{') if depth < DEEPEST => object(raw, at + 1, depth + 1, out),
        Some(b'[') if depth < DEEPEST => array(raw, at + 1, depth + 1, out),
        first => {
            let end = value_end(raw.as_bytes(), at);
            let text = raw.get(at..end).unwrap_or_default();
            match first {
                Some(b'"') => string(text, out),
                Some(b'-' | b'0'..=b'9') => out.push_str(&canonical_number(text)),
                _ => out.push_str(text),
            }
            end
        }
    }
}

fn string(text: &str, out: &mut String) {
    match unquote(text) {
        Some(Cow::Owned(decoded)) => quote_into(&decoded, out),
        _ => out.push_str(text),
    }
}

fn array(raw: &str, mut at: usize, depth: usize, out: &mut String) -> usize {
    let bytes = raw.as_bytes();
    out.push('[');
    loop {
        at = skip_space(bytes, at);
        match bytes.get(at) {
            Some(b']') | None => break,
            Some(b',') => {
                out.push(',');
                at += 1;
            }
            Some(_) => {
                let end = value(raw, at, depth, out);
                // No progress means that this was never JSON.
                at = end.max(at + 1);
            }
        }
    }
    out.push(']');
    at + 1
}

fn object(raw: &str, mut at: usize, depth: usize, out: &mut String) -> usize {
    let bytes = raw.as_bytes();
    let mut members: Vec<(Cow<'_, str>, Range<usize>)> = Vec::new();
    let mut values = String::new();
    loop {
        at = skip_space(bytes, at);
        match bytes.get(at) {
            Some(b'"') => {
                let name_end = string_end(bytes, at);
                let name = raw.get(at..name_end).unwrap_or_default();
                let begin = values.len();
                at = value(raw, skip_space(bytes, skip_space(bytes, name_end) + 1), depth, &mut values);
                members.push((unquote(name).unwrap_or(Cow::Borrowed(name)), begin..values.len()));
            }
            Some(b',') => at += 1,
            _ => break,
        }
    }
    // Stable, so that the last of equal names stays last.
    members.sort_by(|one, other| one.0.cmp(&other.0));
    write_members(&members, &values, out);
    at + 1
}

fn write_members(members: &[(Cow<'_, str>, Range<usize>)], values: &str, out: &mut String) {
    out.push('{');
    let mut first = true;
    for (at, (name, range)) in members.iter().enumerate() {
        if members.get(at + 1).is_some_and(|next| next.0 == *name) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        quote_into(name, out);
        out.push(':');
        out.push_str(values.get(range.clone()).unwrap_or_default());
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(r#" { "b" : 1.50 , "a":[ 1e1, "\u0041\/", null ,{}] } "#, r#"{"a":[10,"A/",null,{}],"b":1.5}"#)]
    #[case(r#"{"a":1,"a":2,"\u0061":3}"#, r#"{"a":3}"#)]
    #[case("[]", "[]")]
    #[case(" true ", "true")]
    #[case("-0.0", "0")]
    #[case(r#""\n\u000a""#, r#""\n\n""#)]
    fn one_text(#[case] raw: &str, #[case] text: &str) {
        assert_eq!(canonical(raw), text);
        assert_eq!(canonical(text), text);
    }

    #[test]
    fn text_that_is_no_json_does_no_harm() {
        for text in ["", "{", "[", "{\"a\"", "{\"a\":", "[1,", "\"", "}{", "[}]", "[:]", "{\"é"] {
            canonical(text);
        }
        canonical(&"[".repeat(100_000));
        canonical(&"{\"a\":".repeat(100_000));
    }

    #[test]
    fn same_is_about_meaning() {
        assert!(same(r#"{"a":1,"b":2.0}"#, r#"{ "b":2, "a":1 }"#));
        assert!(!same("\"1\"", "1"));
        assert!(!same("[1,2]", "[2,1]"));
    }
}
