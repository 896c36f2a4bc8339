//! Reading what is not a push: one JSON object, each of its members known, and what is wrong with it by pointer.

use std::fmt::Write;

use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::{
    body, places,
    problem::{Code, Problem},
    state::State,
};
use crate::domain::rejection::{Fault, Rejection};

/// Reads a body that is one JSON object of the form `T`, as large as one item may be.
///
/// # Errors
/// As [`body::read`]; 400 `malformed_json` for what is no JSON, `invalid_body` for what has another form.
pub(super) async fn object<T: DeserializeOwned>(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<T, Problem> {
    form(&bytes(state, request, payload).await?)
}

/// Reads a body as large as one item may be.
///
/// # Errors
/// As [`body::read`].
pub(super) async fn bytes(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<Bytes, Problem> {
    let limit = state.caps.item_bytes;
    let declared = body::declared(request.headers(), limit)?;
    body::read(payload, declared, limit, state.body_timeout).await
}

/// Reads bytes as one JSON object of the form `T`.
///
/// # Errors
/// 400 `malformed_json` for what is no JSON, `invalid_body` for what has another form.
pub(super) fn form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        refused(error.inner(), pointer)
    })?;
    deserializer.end().map_err(|error| refused(&error, String::new()))?;
    Ok(value)
}

fn refused(error: &serde_json::Error, pointer: String) -> Problem {
    if error.is_data() {
        let text = error.to_string();
        // The place in the text says less than the pointer.
        let rule = text.split_once(" at line ").map_or(text.as_str(), |(rule, _)| rule).to_owned();
        return Problem::new(Code::InvalidBody, rule.clone()).at(pointer, rule);
    }
    let detail = format!("the body is not valid JSON: {error}");
    Problem::new(Code::MalformedJson, detail.clone()).at("", detail)
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut text = String::new();
    for segment in path.iter() {
        // Writing to a string cannot fail.
        let _infallible = match segment {
            Segment::Seq { index } => write!(text, "/{index}"),
            Segment::Map { key } => write!(text, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => write!(text, "/{variant}"),
            Segment::Unknown => Ok(()),
        };
    }
    text
}

/// The problem behind faults of a body that has the right form.
pub(super) fn invalid(rejection: &Rejection) -> Problem {
    let mut problem = Problem::new(Code::InvalidBody, rejection.summary());
    for Fault { pointer, rule, .. } in rejection.faults() {
        problem = problem.at(pointer.clone(), rule.clone());
    }
    problem
}

/// Notes a rule that a member breaks, and gives what was read otherwise.
pub(super) fn noted<T>(field: &str, read: Option<Result<T, String>>, faults: &mut Vec<Fault>) -> Option<T> {
    match read? {
        Ok(value) => Some(value),
        Err(rule) => {
            faults.push(Fault::at([field], rule));
            None
        }
    }
}

/// A parameter of the query, decoded; the last one of its name counts.
pub(super) fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    named(request, name).next_back()
}

/// Every parameter of the query of this name, decoded, in their order.
pub(super) fn parameters(request: &HttpRequest, name: &str) -> Vec<String> {
    named(request, name).collect()
}

fn named(request: &HttpRequest, name: &str) -> impl DoubleEndedIterator<Item = String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = request.query_string().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(move |(found, _)| decode(found) == name).map(move |(_, value)| decode(value))
}

/// A named part of the path as it was sent, decoded once; `+` means plus. What the framework decodes itself cannot be told from
/// what was sent encoded twice, so the pattern is laid over the raw path.
///
/// # Errors
/// 400 `invalid_path` when it is not UTF-8 or holds a NUL.
pub(super) fn segment(request: &HttpRequest, name: &str) -> Result<String, Problem> {
    let pattern = places::find(request.match_info().unprocessed()).map_or("", |found| found.pattern);
    let is_named = |part: &str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) == Some(name);
    let place = pattern.split('/').position(is_named);
    let raw = place.and_then(|place| request.uri().path().split('/').nth(place)).unwrap_or_default();
    match percent_decode_str(raw).decode_utf8() {
        Ok(text) if !text.is_empty() && !text.contains('\0') => Ok(text.into_owned()),
        _ => {
            let detail =
                format!("{name} in the path must be UTF-8 text, percent-encoded, not empty and without NUL");
            Err(Problem::new(Code::InvalidPath, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        #[allow(dead_code, reason = "only read to be refused")]
        limits: std::collections::BTreeMap<String, u32>,
    }

    fn judge(body: &str) -> (Code, String) {
        let problem = form::<Form>(body.as_bytes()).unwrap_err();
        (problem.code, problem.errors[0].pointer.clone())
    }

    #[test]
    fn what_is_wrong_has_a_pointer() {
        assert!(form::<Form>(br#"{"limits":{"a/b":1}}"#).is_ok());
        assert_eq!(judge(r#"{"limits":{"a/b":"x"}}"#), (Code::InvalidBody, "/limits/a~1b".into()));
        assert_eq!(judge(r#"{"limits":{},"more":1}"#), (Code::InvalidBody, "/more".into()));
        assert_eq!(judge("[]"), (Code::InvalidBody, String::new()));
        assert_eq!(judge("{}"), (Code::InvalidBody, String::new()));
        assert_eq!(judge("{"), (Code::MalformedJson, String::new()));
        assert_eq!(judge(r#"{"limits":{}} x"#), (Code::MalformedJson, String::new()));
        assert_eq!(judge(""), (Code::MalformedJson, String::new()));
    }
}
