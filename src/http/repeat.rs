//! `Idempotency-Key`: requests that may be sent again without being done twice.

use actix_web::{HttpRequest, http::header::HeaderMap, web::Payload};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{
    intake,
    problem::{Code, Problem},
    state::State,
};
use crate::{auth::Caller, store::idempotency::Repeatable};

/// The header in which a client names a request.
const NAME: &str = "Idempotency-Key";

/// Longest name that a client may give a request, in bytes.
pub(super) const LONGEST: usize = 255;

/// As [`intake::object`], of a request that its sender may repeat when it gave it a name.
///
/// # Errors
/// As [`intake::object`]; 400 `invalid_idempotency_key`, before the body is read.
pub(super) async fn object<T: DeserializeOwned>(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    caller: &Caller,
) -> Result<(T, Option<Repeatable>), Problem> {
    let token = token(request.headers())?;
    let bytes = intake::bytes(state, request, payload).await?;
    let repeatable = token.map(|token| Repeatable {
        key: caller.key().id,
        token,
        fingerprint: fingerprint(request.method().as_str(), request.uri().path(), &bytes),
        at: state.clock.now(),
    });
    Ok((intake::form(&bytes)?, repeatable))
}

/// The name that the client gave its request.
fn token(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(NAME).map(|value| value.as_bytes());
    let (first, second) = (given.next(), given.next());
    let Some(token) = first else { return Ok(None) };
    let printable =
        (1..=LONGEST).contains(&token.len()) && token.iter().all(|byte| matches!(byte, b' '..=b'~'));
    match str::from_utf8(token) {
        Ok(token) if printable && second.is_none() => Ok(Some(token.to_owned())),
        _ => {
            let detail = format!("send one {NAME} of 1 to {LONGEST} printable ASCII characters");
            Err(Problem::new(Code::InvalidIdempotencyKey, detail))
        }
    }
}

/// What is asked for. Without the query: what stands there on these routes is a key, if anything.
fn fingerprint(method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), path.as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(body);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn judge(values: &[&[u8]]) -> Result<Option<String>, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            let name = HeaderName::from_static("idempotency-key");
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        token(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn a_name_is_short_and_printable() {
        let longest = "x".repeat(LONGEST);
        for name in ["x", "a b", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "~", &longest] {
            assert_eq!(judge(&[name.as_bytes()]), Ok(Some(name.to_owned())));
        }
        assert_eq!(judge(&[]), Ok(None));
        let too_long = [longest.as_bytes(), b"x"].concat();
        for names in [&[&b""[..]][..], &[b"a\tb"], &["é".as_bytes()], &[b"\xff"], &[&too_long], &[b"a", b"a"]]
        {
            assert_eq!(judge(names), Err(Code::InvalidIdempotencyKey), "{names:?}");
        }
    }

    #[test]
    fn every_part_counts() {
        let all = [("POST", "/a", "b"), ("PUT", "/a", "b"), ("POST", "/ab", ""), ("POST", "/a", "c")];
        let prints = all.map(|(method, path, body)| fingerprint(method, path, body.as_bytes()));
        for (at, print) in prints.iter().enumerate() {
            assert!(!prints[at + 1..].contains(print), "{:?}", all[at]);
        }
    }
}
