//! Reading a body: its declared form first, then its bytes, decoded, bounded in size and time.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderValue},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use tokio::{task::yield_now, time::timeout};

use super::{
    decode::{Coding, Decoder, Undecodable, encoded_limit},
    problem::{Code, Problem},
};

/// What a plain HTML form sends.
const FORM: &str = "application/x-www-form-urlencoded";

/// How much of an unread body is drained to keep the connection.
const DRAINED: usize = 64 << 10;

/// How long draining may take.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// What the headers say about a body that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    /// Its length in bytes, as it is sent.
    length: Option<usize>,
    /// How it is encoded; `None` when it is sent as it is.
    coding: Option<Coding>,
}

impl Declared {
    /// The most bytes that the body may have in the end, where one may have `limit`. An encoded body does not say how long it
    /// will be.
    pub(super) fn most(&self, limit: usize) -> usize {
        match self {
            Self { coding: None, length: Some(length) } => *length,
            _ => limit,
        }
    }
}

/// Checks that the headers declare a body we take, of at most `limit` bytes once it is decoded.
///
/// # Errors
/// 415 for another media type, charset or content encoding, and for two encodings; 413 when the body says it is longer than
/// one within the limit can be.
pub(super) fn declared(headers: &HeaderMap, limit: usize) -> Result<Declared, Problem> {
    if !is_json(headers) {
        let detail = "send Content-Type: application/json, in UTF-8";
        return Err(Problem::new(Code::UnsupportedMediaType, detail).header("Accept", "application/json"));
    }
    sized(headers, limit)
}

/// As [`declared`], for what a plain HTML form sends.
///
/// # Errors
/// As [`declared`].
pub(super) fn declared_form(headers: &HeaderMap, limit: usize) -> Result<Declared, Problem> {
    if !is_of(FORM, headers) {
        let detail = format!("send Content-Type: {FORM}, in UTF-8");
        return Err(Problem::new(Code::UnsupportedMediaType, detail).header("Accept", FORM));
    }
    sized(headers, limit)
}

/// As [`declared`], for a body that may be either, or none at all, for which nothing need be declared; what is undeclared is JSON.
/// Also answers whether it is a form.
///
/// # Errors
/// As [`declared`].
pub(super) fn declared_either(headers: &HeaderMap, limit: usize) -> Result<(Declared, bool), Problem> {
    let is_form = is_of(FORM, headers);
    let length = headers.get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes);
    let is_none = length.map_or(!headers.contains_key(header::TRANSFER_ENCODING), |length| length == b"0");
    if !(is_form || is_none || is_json(headers) || !headers.contains_key(header::CONTENT_TYPE)) {
        let detail = format!("send Content-Type: application/json or {FORM}, in UTF-8");
        let accepted = format!("application/json, {FORM}");
        return Err(Problem::new(Code::UnsupportedMediaType, detail).header("Accept", accepted));
    }
    Ok((sized(headers, limit)?, is_form))
}

fn sized(headers: &HeaderMap, limit: usize) -> Result<Declared, Problem> {
    let coding = coding(headers)?;
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // The length is that of the encoded body, which may be longer than what it holds, but not by much.
    let longest = if coding.is_some() { encoded_limit(limit) } else { limit };
    if length.is_some_and(|length| length > longest) {
        return Err(too_large(limit));
    }
    Ok(Declared { length, coding })
}

/// How the body is encoded (RFC 9110, section 8.4): a list, in one header or several, whose empty members do not count.
/// `identity` is no encoding.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Problem> {
    let values = headers.get_all(header::CONTENT_ENCODING);
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let mut layers = names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"));
    match (layers.next().map(Coding::parse), layers.next()) {
        (None, _) => Ok(None),
        (Some(Some(coding)), None) => Ok(Some(coding)),
        (Some(_), _) => {
            let accepted = Coding::ACCEPTED;
            let detail = format!("send the body in one content encoding of {accepted}");
            Err(Problem::new(Code::UnsupportedEncoding, detail).header("Accept-Encoding", accepted))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    is_of("application/json", headers)
}

/// Whether `Content-Type` is this one, with no charset or UTF-8 (RFC 8259, section 11; RFC 9110, section 8.3).
fn is_of(media_type: &str, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(media_type));
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

fn undecodable(coding: Coding, why: Undecodable, limit: usize) -> Problem {
    let name = coding.name();
    let detail = match why {
        Undecodable::TooLarge => return too_large(limit),
        Undecodable::Corrupt => format!("the body is not valid {name}"),
        Undecodable::Truncated => format!("the body ends before its {name} encoding does"),
        Undecodable::Trailing => format!("bytes follow the end of the {name} encoding"),
        Undecodable::Dictionary => format!("the {name} encoding needs a dictionary; encode without one"),
        Undecodable::Window => {
            format!("the {name} encoding needs a window of more than 8 MiB; choose a smaller one")
        }
        Undecodable::Tables => format!("the {name} encoding needs too much memory; choose a lower quality"),
    };
    Problem::new(Code::MalformedEncoding, detail)
}

/// Reads a body of at most `limit` bytes, and decodes it, within `time`.
///
/// # Errors
/// 413 as soon as a byte too many arrives or comes out of its encoding, 408 when the time is up, 400 when the connection ends
/// early or the body does not decode.
pub(super) async fn read(
    payload: &mut Payload,
    declared: Declared,
    limit: usize,
    time: Duration,
) -> Result<Bytes, Problem> {
    let bytes = async {
        match declared.coding {
            None => plain(payload, limit).await,
            // In a box: decoders are large, and most bodies need none.
            Some(coding) => Box::pin(decoded(payload, coding, limit)).await,
        }
    };
    let read = timeout(time, bytes).await;
    read.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} s", time.as_secs_f64());
        Err(Problem::new(Code::BodyTimeout, detail))
    })
}

/// The next bytes of a body; `None` at its end.
async fn next(payload: &mut Payload) -> Result<Option<Bytes>, Problem> {
    let next = payload.next().await.transpose();
    next.map_err(|_| Problem::new(Code::IncompleteBody, "the body ended before it was complete"))
}

async fn plain(payload: &mut Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = next(payload).await? {
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
    Ok(body.freeze())
}

async fn decoded(payload: &mut Payload, coding: Coding, limit: usize) -> Result<Bytes, Problem> {
    let failed = |why| undecodable(coding, why, limit);
    let mut decoder = Decoder::new(coding, limit);
    while let Some(chunk) = next(payload).await? {
        let mut rest = &chunk[..];
        while decoder.step(&mut rest).map_err(failed)? {
            // Others get their turn between the steps, and the time is looked at.
            yield_now().await;
        }
    }
    decoder.finish().map_err(failed)
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
    use std::{cell::Cell, io::Write, rc::Rc};

    use actix_web::{
        FromRequest,
        http::header::{HeaderName, HeaderValue},
        test::TestRequest,
    };
    use flate2::{Compression, write::DeflateEncoder};

    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> Result<(Option<usize>, Option<Coding>), Code> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let declared = declared(&headers, 100).map_err(|problem| problem.code)?;
        Ok((declared.length, declared.coding))
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn json_in_utf8_is_taken() {
        for value in
            ["application/json", "Application/JSON ; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert_eq!(check(&[("content-type", value)]), Ok((None, None)), "{value}");
        }
    }

    #[test]
    fn other_media_types_are_not() {
        for value in ["text/json", "application/json; charset=latin1", "application/jsonx", ""] {
            assert_eq!(check(&[("content-type", value)]), Err(Code::UnsupportedMediaType), "{value}");
        }
        assert_eq!(check(&[]), Err(Code::UnsupportedMediaType));
        assert_eq!(check(&[JSON, JSON]), Err(Code::UnsupportedMediaType));
    }

    #[test]
    fn one_known_encoding_is_taken() {
        let one = |value| check(&[JSON, ("content-encoding", value)]).map(|(_, coding)| coding);
        for (value, coding) in [
            ("gzip", Coding::Gzip),
            ("X-GZip", Coding::Gzip),
            (" deflate ", Coding::Deflate),
            ("BR", Coding::Brotli),
            ("zstd", Coding::Zstd),
            ("identity, zstd", Coding::Zstd),
            ("gzip,, identity ,", Coding::Gzip),
        ] {
            assert_eq!(one(value), Ok(Some(coding)), "{value}");
        }
        for value in ["", " ", "identity", "Identity, identity", ","] {
            assert_eq!(one(value), Ok(None), "{value:?}");
        }
        for value in ["gzip, gzip", "gzip, br", "compress", "x-br", "*", "gzip;q=1", "gzip br", "identity, x"]
        {
            assert_eq!(one(value), Err(Code::UnsupportedEncoding), "{value}");
        }
        let header = |value| ("content-encoding", value);
        assert_eq!(check(&[JSON, header("gzip"), header("br")]), Err(Code::UnsupportedEncoding));
        assert_eq!(check(&[JSON, header("identity"), header("br")]), Ok((None, Some(Coding::Brotli))));
    }

    #[test]
    fn a_declared_length_over_the_limit_is_refused_before_reading() {
        let length = |value| ("content-length", value);
        assert_eq!(check(&[JSON, length("100")]), Ok((Some(100), None)));
        assert_eq!(check(&[JSON, length("101")]), Err(Code::BodyTooLarge));
        // 64 KiB more for what an encoding may add.
        let gzip = ("content-encoding", "gzip");
        assert_eq!(check(&[JSON, gzip, length("65636")]), Ok((Some(65_636), Some(Coding::Gzip))));
        assert_eq!(check(&[JSON, gzip, length("65637")]), Err(Code::BodyTooLarge));
    }

    #[test]
    fn room_is_taken_for_what_may_come_out() {
        let most = |length, coding| Declared { length, coding }.most(100);
        assert_eq!(most(Some(7), None), 7);
        assert_eq!(most(None, None), 100);
        assert_eq!(most(Some(7), Some(Coding::Gzip)), 100);
    }

    /// Reads a body that is all there, at a server with this limit and time.
    async fn read_whole(
        coding: Option<Coding>,
        body: Vec<u8>,
        limit: usize,
        time: Duration,
    ) -> Result<Bytes, Code> {
        let (request, mut payload) = TestRequest::default().set_payload(body).to_http_parts();
        let mut payload = Payload::from_request(&request, &mut payload).await.unwrap();
        let declared = Declared { length: None, coding };
        read(&mut payload, declared, limit, time).await.map_err(|problem| problem.code)
    }

    /// A million zeros, in raw deflate.
    fn zeros() -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 1_000_000]).unwrap();
        encoder.finish().unwrap()
    }

    #[actix_web::test]
    async fn the_time_covers_decoding() {
        let deflate = Some(Coding::Deflate);
        let long = Duration::from_secs(60);
        assert_eq!(read_whole(deflate, zeros(), 1_000_000, long).await.map(|body| body.len()), Ok(1_000_000));
        assert_eq!(read_whole(deflate, zeros(), 999_999, long).await, Err(Code::BodyTooLarge));
        // All of it has arrived, and the time is up before it is decoded.
        assert_eq!(read_whole(deflate, zeros(), 1_000_000, Duration::ZERO).await, Err(Code::BodyTimeout));
        assert_eq!(read_whole(deflate, b"\x07".to_vec(), 100, long).await, Err(Code::MalformedEncoding));
    }

    #[actix_web::test]
    async fn others_get_their_turn_while_a_body_is_decoded() {
        let turns = Rc::new(Cell::new(0));
        let counted = turns.clone();
        let other = actix_web::rt::spawn(async move {
            loop {
                counted.set(counted.get() + 1);
                yield_now().await;
            }
        });
        let body = read_whole(Some(Coding::Deflate), zeros(), 1_000_000, Duration::from_secs(60)).await;
        assert!(body.is_ok());
        other.abort();
        // A turn after each 16 KiB, of which there are 61.
        assert!(turns.get() > 50, "{} turns", turns.get());
    }
}
