//! Answers: a status, headers and a JSON body, with what the budget says wherever a caller was let in.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::{BoxBody, MessageBody},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;

use super::{problem::Problem, trace::RequestId};
use crate::{limit::Pass, store::idempotency::Kept};

/// A good answer: a JSON object, or something else that a route is asked for.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    media_type: HeaderValue,
    body: Body,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What an answer holds.
enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// What is still to come.
    Stream(BoxBody),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Stream(_) => "Stream",
        })
    }
}

impl Answer {
    /// 200 with this object.
    ///
    /// # Errors
    /// [`Problem`] when it cannot be written as JSON, which is a defect.
    pub(super) fn ok(body: &impl Serialize) -> Result<Self, Problem> {
        Self::with(StatusCode::OK, body)
    }

    /// Any status with this object.
    ///
    /// # Errors
    /// As [`Answer::ok`].
    pub(super) fn with(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        Self::of_size(status, 256, body)
    }

    /// Any status with this object, which takes about so many bytes.
    ///
    /// # Errors
    /// As [`Answer::ok`].
    pub(super) fn of_size(status: StatusCode, bytes: usize, body: &impl Serialize) -> Result<Self, Problem> {
        let mut written = Vec::with_capacity(bytes);
        match serde_json::to_writer(&mut written, body) {
            Ok(()) => Ok(Self::text(status, JSON, written)),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                Err(Problem::plain(super::problem::Code::Internal))
            }
        }
    }

    fn text(status: StatusCode, media_type: HeaderValue, body: Vec<u8>) -> Self {
        Self { status, media_type, body: Body::Whole(body), headers: Vec::new() }
    }

    /// 200 with JSON objects, one a line.
    pub(super) fn lines(body: Vec<u8>) -> Self {
        Self::text(StatusCode::OK, HeaderValue::from_static(NDJSON), body)
    }

    /// 200 with Server-Sent Events, for as long as they come.
    pub(super) fn events(body: impl MessageBody + 'static) -> Self {
        let media_type = HeaderValue::from_static(EVENT_STREAM);
        let body = Body::Stream(BoxBody::new(body));
        Self { status: StatusCode::OK, media_type, body, headers: Vec::new() }.not_to_be_kept()
    }

    /// The same with one more header.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// As it is kept for those that repeat the request.
    pub(super) fn keep(self) -> Kept {
        // JSON that was written here is text, and nothing that streams is kept.
        let body = match &self.body {
            Body::Whole(body) => String::from_utf8_lossy(body).into_owned(),
            Body::Stream(_) => String::new(),
        };
        Kept { status: self.status.as_u16(), body }
    }

    /// One that was kept.
    pub(super) fn kept(kept: Kept) -> Self {
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        Self::text(status, JSON, kept.body.into_bytes())
    }

    /// The same, for a body with a secret: `Cache-Control: no-store`.
    pub(super) fn not_to_be_kept(self) -> Self {
        self.header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }

    pub(super) fn respond(self, pass: Option<&Pass>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        rate_headers(&mut response, pass);
        for header in self.headers {
            response.insert_header(header);
        }
        response.insert_header((header::CONTENT_TYPE, self.media_type));
        match self.body {
            Body::Whole(body) => response.body(body),
            Body::Stream(body) => response.body(body),
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// JSON objects, one a line.
pub(super) const NDJSON: &str = "application/x-ndjson";
/// Server-Sent Events (HTML Living Standard, section 9.2).
pub(super) const EVENT_STREAM: &str = "text/event-stream";
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem as a response to the request of this id.
pub(super) fn refuse(problem: &Problem, id: &RequestId, pass: Option<&Pass>) -> HttpResponse {
    // A document of strings and numbers can always be written.
    let body = serde_json::to_string(&problem.document(id.as_str())).unwrap_or_default();
    refused(problem, PROBLEM, body, pass)
}

fn refused(problem: &Problem, media_type: HeaderValue, body: String, pass: Option<&Pass>) -> HttpResponse {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    rate_headers(&mut response, pass);
    for (name, value) in &problem.headers {
        response.insert_header((*name, value.as_str()));
    }
    response.insert_header((header::CONTENT_TYPE, media_type));
    response.body(body)
}

/// A problem as a response whose body is another one than its document.
pub(super) fn refuse_as(problem: &Problem, body: &impl Serialize, pass: Option<&Pass>) -> HttpResponse {
    // A document of strings and numbers can always be written.
    let body = serde_json::to_string(body).unwrap_or_default();
    refused(problem, JSON, body, pass)
}

/// Both families of rate headers: `X-RateLimit-*`, and `RateLimit` with `RateLimit-Policy`
/// (draft-ietf-httpapi-ratelimit-headers-10).
fn rate_headers(response: &mut HttpResponseBuilder, pass: Option<&Pass>) {
    const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
    const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
    const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
    const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
    const NOW: HeaderName = HeaderName::from_static("ratelimit");
    let Some(pass) = pass else { return };
    let class = pass.class().name();
    let mut number = itoa::Buffer::new();
    let mut other = itoa::Buffer::new();
    let limit = number.format(pass.limit());
    response.insert_header((LIMIT, value(&[limit])));
    response.insert_header((POLICY, value(&["\"", class, "\";q=", limit, ";w=60"])));
    let left = number.format(pass.remaining());
    response.insert_header((REMAINING, value(&[left])));
    let whole_in = other.format(pass.whole_in());
    response.insert_header((NOW, value(&["\"", class, "\";r=", left, ";t=", whole_in])));
    response.insert_header((RESET, value(&[number.format(pass.whole_at())])));
}

/// Puts the parts of a value together, which are letters, digits and punctuation, and asks for memory once.
fn value(parts: &[&str]) -> HeaderValue {
    let mut bytes = [0u8; 96];
    let mut length = 0;
    for part in parts {
        let end = length + part.len();
        if let Some(place) = bytes.get_mut(length..end) {
            place.copy_from_slice(part.as_bytes());
            length = end;
        }
    }
    // The longest value is half as long as the room for it, so that none is cut.
    HeaderValue::from_bytes(&bytes[..length]).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_value_has_room() {
        let class = crate::domain::budget::Class::ALL.iter().map(|class| class.name().len()).max().unwrap();
        let (class, number) = ("x".repeat(class), u64::MAX.to_string());
        let parts = ["\"", &class, "\";r=", &number, ";t=", &number];
        assert_eq!(value(&parts).to_str().unwrap(), parts.concat());
    }
}
