//! The outermost wrapper: a request id, a count of what is in flight, metrics, one log line, and a problem document for
//! whatever the framework or a panic left without one.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::field::display;

use super::{
    answer::{document, refuse},
    client,
    problem::{Code, Problem},
    state::State,
};
use crate::{
    domain::ids::random_base62,
    telemetry::{Counter, Histogram},
};

/// Longest request id of a client that is taken over.
const LONGEST: usize = 128;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Debug, Clone)]
struct RequestId(Arc<str>);

/// The id of a request, as the answer carries it.
pub(super) fn request_id(request: &HttpRequest) -> Arc<str> {
    request.extensions().get::<RequestId>().map_or_else(|| Arc::from(""), |id| id.0.clone())
}

/// Takes over the client's id when it is short and of harmless characters, else draws one.
fn identify(request: &ServiceRequest, state: &State) -> Arc<str> {
    let harmless = |text: &&str| {
        (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
    };
    let sent = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(harmless);
    match sent {
        Some(text) => text.into(),
        None => random_base62(state.entropy.as_ref(), 22).unwrap_or_else(|_| "unavailable".into()).into(),
    }
}

/// Wraps one request.
pub(super) async fn trace(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else {
        return next.call(request).await;
    };
    let _in_flight = state.traffic.enter();
    let id = identify(&request, &state);
    request.extensions_mut().insert(RequestId(id.clone()));
    let client = client::find(request.request(), &state.proxies);
    let began = state.clock.monotonic();
    let outcome = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let Ok(answered) = outcome else {
        tracing::error!(request_id = %id, client = client.map(display), "a handler panicked");
        return Err(Broken(id).into());
    };
    let response = plain_to_problem(answered?);
    let elapsed = Duration::from_nanos(state.clock.monotonic().saturating_sub(began));
    Ok(finish(response, &id, elapsed, &state))
}

/// A handler that panicked, as the framework answers it: the request itself is gone by then.
#[derive(Debug)]
struct Broken(Arc<str>);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a handler panicked")
    }
}

impl actix_web::ResponseError for Broken {
    fn error_response(&self) -> HttpResponse {
        let mut response = document(&Problem::plain(Code::Internal), &self.0, None);
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(REQUEST_ID.clone(), value);
        }
        response
    }
}

/// Replaces an error that has no document of ours.
fn plain_to_problem(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let ours = response.headers().contains_key(header::CONTENT_TYPE);
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let request = response.request().clone();
    let document = framework_problem(&request, status);
    ServiceResponse::new(request, document)
}

/// The problem behind a status that the framework chose.
fn framework_problem(request: &HttpRequest, status: StatusCode) -> HttpResponse {
    let code = match status.as_u16() {
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        408 => Code::BodyTimeout,
        413 => Code::BodyTooLarge,
        415 => Code::UnsupportedMediaType,
        400..=499 => Code::IncompleteBody,
        _ => Code::Internal,
    };
    refuse(&Problem::plain(code), request, None)
}

fn finish(
    mut response: ServiceResponse<BoxBody>,
    id: &str,
    elapsed: Duration,
    state: &State,
) -> ServiceResponse<BoxBody> {
    let leaving = state.traffic.is_leaving();
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    if leaving {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response.response_mut().head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    let status = response.status();
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".into());
    let method = known_method(request);
    let labels =
        [("route", route.clone()), ("method", method.into()), ("status", status.as_str().to_owned())];
    metrics::counter!(Counter::Requests.name(), &labels).increment(1);
    metrics::histogram!(Histogram::RequestSeconds.name(), "route" => route.clone())
        .record(elapsed.as_secs_f64());
    log(&response, id, method, &route, elapsed);
    response
}

/// One line for a request: where it came from is a prefix, and neither path nor query is in it.
fn log(response: &ServiceResponse<BoxBody>, id: &str, method: &str, route: &str, elapsed: Duration) {
    let status = response.status();
    let client = client::of(response.request()).map(display);
    let (code, millis) = (status.as_u16(), elapsed.as_secs_f64() * 1_000.0);
    if status.is_server_error() {
        tracing::warn!(request_id = id, client, method, route, status = code, millis, "answered");
    } else {
        tracing::debug!(request_id = id, client, method, route, status = code, millis, "answered");
    }
}

/// The method as a label; unknown ones share one, because a client can invent any number of them.
fn known_method(request: &HttpRequest) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == request.method().as_str())
        .unwrap_or("other")
}
