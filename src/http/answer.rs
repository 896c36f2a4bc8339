//! Answers: a status, headers and a JSON body, with what the budget says wherever a caller was let in.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};
use serde::Serialize;

use super::{problem::Problem, trace::RequestId};
use crate::limit::Pass;

/// A good answer: a JSON object.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    body: String,
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
        match serde_json::to_string(body) {
            Ok(body) => Ok(Self { status, body }),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                Err(Problem::plain(super::problem::Code::Internal))
            }
        }
    }

    pub(super) fn respond(self, pass: Option<&Pass>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        rate_headers(&mut response, pass);
        response.insert_header((header::CONTENT_TYPE, "application/json")).body(self.body)
    }
}

/// A problem as a response to the request of this id.
pub(super) fn refuse(problem: &Problem, id: &RequestId, pass: Option<&Pass>) -> HttpResponse {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    rate_headers(&mut response, pass);
    for (name, value) in &problem.headers {
        response.insert_header((*name, value.as_str()));
    }
    response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
    // A document of strings and numbers can always be written.
    let body = serde_json::to_string(&problem.document(id.as_str())).unwrap_or_default();
    response.body(body)
}

/// Both families of rate headers: `X-RateLimit-*`, and `RateLimit` with `RateLimit-Policy`
/// (draft-ietf-httpapi-ratelimit-headers-10).
fn rate_headers(response: &mut HttpResponseBuilder, pass: Option<&Pass>) {
    let Some(pass) = pass else { return };
    let class = pass.class();
    response
        .insert_header(("X-RateLimit-Limit", pass.limit()))
        .insert_header(("X-RateLimit-Remaining", pass.remaining()))
        .insert_header(("X-RateLimit-Reset", pass.whole_at()))
        .insert_header(("RateLimit-Policy", format!("\"{class}\";q={};w=60", pass.limit())))
        .insert_header(("RateLimit", format!("\"{class}\";r={};t={}", pass.remaining(), pass.whole_in())));
}
