//! Reading a body: its declared form first, then its bytes, bounded in size and time.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::problem::{Code, Problem};

/// How much of an unread body is drained to keep the connection.
const DRAINED: usize = 64 << 10;

/// How long draining may take.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Checks that the headers declare a body we take, and answers how long it says it is.
///
/// # Errors
/// 415 for another media type, charset or content encoding; 413 when it says it is longer than `limit`.
pub(super) fn declared(headers: &HeaderMap, limit: usize) -> Result<Option<usize>, Problem> {
    if !is_json(headers) {
        let detail = "send Content-Type: application/json, in UTF-8";
        return Err(Problem::new(Code::UnsupportedMediaType, detail).header("Accept", "application/json"));
    }
    let encodings = headers.get_all(header::CONTENT_ENCODING).map(|value| value.as_bytes());
    if encodings.map(<[u8]>::trim_ascii).any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        let detail = "send the body without a content encoding";
        return Err(Problem::new(Code::UnsupportedEncoding, detail).header("Accept-Encoding", "identity"));
    }
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length > limit => Err(too_large(limit)),
        other => Ok(other),
    }
}

/// Whether `Content-Type` is `application/json`, with no charset or UTF-8 (RFC 8259, section 11; RFC 9110, section 8.3).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    };
    essence && parts.all(utf8)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("the body is larger than {limit} bytes; split the batch"))
}

/// Reads a body of at most `limit` bytes within `time`.
///
/// # Errors
/// 413 as soon as a byte too many arrives, 408 when the time is up, 400 when the connection ends early.
pub(super) async fn read(payload: &mut Payload, limit: usize, time: Duration) -> Result<Bytes, Problem> {
    let deadline = Instant::now() + time;
    let mut body = BytesMut::new();
    loop {
        let next = timeout_at(deadline, payload.next()).await;
        let chunk = match next {
            Err(_) => {
                let seconds = time.as_secs_f64();
                return Err(Problem::new(
                    Code::BodyTimeout,
                    format!("the body did not arrive within {seconds} s"),
                ));
            }
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(Err(_))) => {
                return Err(Problem::new(Code::IncompleteBody, "the body ended before it was complete"));
            }
            Ok(Some(Ok(chunk))) => chunk,
        };
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        if body.is_empty() {
            // Most bodies arrive in one piece, which needs no copy.
            match chunk.try_into_mut() {
                Ok(whole) => body = whole,
                Err(shared) => body.extend_from_slice(&shared),
            }
        } else {
            body.extend_from_slice(&chunk);
        }
    }
}

/// Reads away the rest of a body that is not wanted, so that the connection can be kept; `false` when it has to be closed.
pub(super) async fn drain(request: &HttpRequest, payload: &mut Payload) -> bool {
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > DRAINED) {
        return false;
    }
    let rest = async {
        let mut seen = 0;
        while let Some(chunk) = payload.next().await {
            let Ok(chunk) = chunk else { return false };
            seen += chunk.len();
            if seen > DRAINED {
                return false;
            }
        }
        true
    };
    timeout(DRAIN_TIME, rest).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> Result<Option<usize>, Code> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        declared(&headers, 100).map_err(|problem| problem.code)
    }

    #[test]
    fn json_in_utf8_is_taken() {
        for value in
            ["application/json", "Application/JSON ; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert_eq!(check(&[("content-type", value)]), Ok(None), "{value}");
        }
    }

    #[test]
    fn other_media_types_and_encodings_are_not() {
        for value in ["text/json", "application/json; charset=latin1", "application/jsonx", ""] {
            assert_eq!(check(&[("content-type", value)]), Err(Code::UnsupportedMediaType), "{value}");
        }
        assert_eq!(check(&[]), Err(Code::UnsupportedMediaType));
        let json = ("content-type", "application/json");
        assert_eq!(check(&[json, json]), Err(Code::UnsupportedMediaType));
        assert_eq!(check(&[json, ("content-encoding", "gzip")]), Err(Code::UnsupportedEncoding));
        assert_eq!(check(&[json, ("content-encoding", "identity")]), Ok(None));
    }

    #[test]
    fn a_declared_length_over_the_limit_is_refused_before_reading() {
        let json = ("content-type", "application/json");
        assert_eq!(check(&[json, ("content-length", "100")]), Ok(Some(100)));
        assert_eq!(check(&[json, ("content-length", "101")]), Err(Code::BodyTooLarge));
    }
}
