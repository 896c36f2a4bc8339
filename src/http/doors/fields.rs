//! The members of a request's body, whether it is JSON or a form.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, web::Payload};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    domain::json::unquote,
    http::{
        body, intake,
        problem::{Code, Problem},
        state::State,
    },
};

/// Members by name, each as JSON text. Of two with the same name the last one counts.
pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// Reads a body as large as one item may be: a JSON object, or a form, whose values are texts. None at all has no members, and
/// needs no content type.
///
/// # Errors
/// As [`body::read`]; 400 `malformed_json` for what is no JSON, `invalid_body` for JSON that is no object or a form that is not
/// UTF-8.
pub(super) async fn read(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<Fields, Problem> {
    let limit = state.caps.item_bytes;
    let (declared, is_form) = body::declared_either(request.headers(), limit)?;
    let bytes = body::read(payload, declared, limit, state.body_timeout).await?;
    match is_form {
        _ if bytes.trim_ascii().is_empty() => Ok(Fields::new()),
        true => form(&bytes),
        false => intake::form(&bytes),
    }
}

/// The members of a form (WHATWG URL, `application/x-www-form-urlencoded`).
fn form(bytes: &[u8]) -> Result<Fields, Problem> {
    let pairs = form_urlencoded::parse(bytes);
    pairs.map(|(name, value)| Ok((name.into_owned(), raw(&value)?))).collect()
}

/// A text as JSON.
///
/// # Errors
/// 500, for any text can be written as JSON.
pub(super) fn raw(text: &str) -> Result<Box<RawValue>, Problem> {
    to_raw_value(text).map_err(|error| defect(&error))
}

/// What is written here can always be written.
pub(super) fn defect(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "a document of a door could not be read or written");
    Problem::plain(Code::Internal)
}

/// The text of a member: a string as it is, a number or a boolean as it is spelled; `None` for what is absent, `null`, or no text.
pub(super) fn text(fields: &Fields, name: &str) -> Option<String> {
    let raw = fields.get(name)?.get();
    match raw.as_bytes().first()? {
        b'"' => unquote(raw).map(std::borrow::Cow::into_owned),
        b'n' | b'{' | b'[' => None,
        _ => Some(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_objects_give_the_same() {
        let sent = form(b"email=a%40b.de&first_name=A+B&n=1&n=2&custom_field.x=%C3%A9").unwrap();
        let json = br#"{"email":"a@b.de","first_name":"A B","n":"1","n":"2","custom_field.x":"\u00e9"}"#;
        let object: Fields = intake::form(json).unwrap();
        for name in ["email", "first_name", "n", "custom_field.x", "absent"] {
            assert_eq!(text(&sent, name), text(&object, name), "{name}");
        }
        assert_eq!(text(&sent, "n").as_deref(), Some("2"));
    }

    #[test]
    fn what_is_no_text_is_none() {
        let fields: Fields = intake::form(br#"{"a":null,"b":{},"c":[1],"d":1.50,"e":true,"f":""}"#).unwrap();
        let texts = ["a", "b", "c", "d", "e", "f"].map(|name| text(&fields, name));
        assert_eq!(
            texts.each_ref().map(|text| text.as_deref()),
            [None, None, None, Some("1.50"), Some("true"), Some("")]
        );
        assert_eq!(intake::form::<Fields>(b"[]").unwrap_err().code, Code::InvalidBody);
    }
}
