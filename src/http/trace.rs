//! Around every request: an id, a count of what is in flight, metrics, one log line, and an answer where a handler panicked.

use std::{panic::AssertUnwindSafe, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        ConnectionType, Method,
        header::{self, HeaderName, HeaderValue},
    },
};
use futures_util::FutureExt;
use tracing::{Level, field::display};

use super::{
    answer::refuse,
    client,
    problem::{Code, Problem},
    worker::{Label, Worker},
};

/// Longest request id of a client that is taken over.
const LONGEST: usize = 128;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as the answer carries it: letters, digits and `-_.:/+=` only.
#[derive(Debug, Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Takes over the client's id when it is short and of harmless characters, else draws one.
fn identify(worker: &Worker, request: &HttpRequest) -> RequestId {
    let harmless = |value: &&HeaderValue| {
        let text = value.as_bytes();
        (1..=LONGEST).contains(&text.len())
            && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
    };
    let sent = request.headers().get(&REQUEST_ID).filter(harmless);
    RequestId(sent.cloned().unwrap_or_else(|| worker.draw_id()))
}

/// Answers one request with what `work` makes of its id.
pub(super) async fn trace(
    worker: &Worker,
    request: &HttpRequest,
    label: Label,
    work: impl AsyncFnOnce(&RequestId) -> HttpResponse,
) -> HttpResponse {
    let state = &worker.state;
    let _in_flight = state.traffic.enter();
    let id = identify(worker, request);
    let began = state.clock.monotonic();
    let outcome = AssertUnwindSafe(work(&id)).catch_unwind().await;
    let response = outcome.unwrap_or_else(|_| {
        let client = client::find(request, &state.proxies).map(display);
        tracing::error!(request_id = id.as_str(), client, "a handler panicked");
        refuse(&Problem::plain(Code::Internal), &id, None)
    });
    let elapsed = Duration::from_nanos(state.clock.monotonic().saturating_sub(began));
    finish(response, request, worker, label, id, elapsed)
}

fn finish(
    mut response: HttpResponse,
    request: &HttpRequest,
    worker: &Worker,
    label: Label,
    id: RequestId,
    elapsed: Duration,
) -> HttpResponse {
    if worker.state.traffic.is_leaving() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let method = known_method(request.method());
    worker.count(label, method, response.status(), elapsed);
    log(&response, request, worker, &id, (method, label.name), elapsed);
    response.headers_mut().insert(REQUEST_ID.clone(), id.0);
    response
}

/// One line for a request: where it came from is a prefix, and neither path nor query is in it.
fn log(
    response: &HttpResponse,
    request: &HttpRequest,
    worker: &Worker,
    id: &RequestId,
    (method, route): (&str, &str),
    elapsed: Duration,
) {
    let (status, id) = (response.status(), id.as_str());
    let failed = status.is_server_error();
    if !failed && !tracing::enabled!(Level::DEBUG) {
        return;
    }
    let client = client::find(request, &worker.state.proxies).map(display);
    let (code, millis) = (status.as_u16(), elapsed.as_secs_f64() * 1_000.0);
    if failed {
        tracing::warn!(request_id = id, client, method, route, status = code, millis, "answered");
    } else {
        tracing::debug!(request_id = id, client, method, route, status = code, millis, "answered");
    }
}

/// The method as a label; unknown ones share one, because a client can invent any number of them.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
