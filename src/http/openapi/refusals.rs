//! The problems that an operation can answer: which codes, and one answer for each status with exactly the codes possible there.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::{
    ToSchema,
    openapi::{
        AllOfBuilder, ContentBuilder, Object, ObjectBuilder, Ref, Response, ResponseBuilder, Type,
        example::ExampleBuilder,
    },
};

use super::{
    described::{Described, Touches},
    examples::sorted,
    headers::Used,
};
use crate::http::problem::{Code, Document, Problem};

/// The request id of the examples.
pub(super) const REQUEST_ID: &str = "4igOu6ELeD5ZWTuAhJaoGm";

/// What any request may meet, before or after its route is known.
const ANYWHERE: &[Code] =
    &[Code::MethodNotAllowed, Code::MalformedRequest, Code::HeadTooLarge, Code::HeadTimeout, Code::Internal];

/// What a request on a route with a key may meet.
const WITH_KEY: &[Code] = &[
    Code::MissingCredentials,
    Code::InvalidToken,
    Code::InvalidRequest,
    Code::InsufficientScope,
    Code::RateLimited,
    Code::Draining,
];

/// What a body may meet.
const WITH_BODY: &[Code] = &[
    Code::MalformedJson,
    Code::IncompleteBody,
    Code::BodyTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::UnsupportedEncoding,
    Code::MalformedEncoding,
];

/// What a request with an `Idempotency-Key` may meet.
const REPEATABLE: &[Code] =
    &[Code::IdempotencyInFlight, Code::IdempotencyMismatch, Code::InvalidIdempotencyKey];

impl Touches {
    const fn codes(self) -> &'static [Code] {
        match self {
            Self::Memory => &[],
            Self::Tables => &[Code::StoreUnavailable],
            Self::Log => &[Code::StoreUnavailable, Code::Overloaded, Code::OutcomeUnknown, Code::Unstorable],
        }
    }
}

/// The codes of an operation by status, each list in the order of the documentation.
pub(super) fn codes(described: &Described, path: &str, keyed: bool) -> BTreeMap<u16, Vec<Code>> {
    let mut possible: Vec<Code> = [ANYWHERE, described.touches.codes(), described.codes].concat();
    if keyed {
        possible.extend(WITH_KEY);
    }
    if described.repeatable {
        possible.extend(REPEATABLE);
    }
    if path.contains('{') {
        possible.push(Code::NotFound);
    }
    if described.body.is_some() {
        possible.extend(WITH_BODY);
        // A batch has codes of its own for what is JSON but no batch.
        if !described.codes.contains(&Code::NotAnArray) {
            possible.push(Code::InvalidBody);
        }
    }
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in Code::ALL.iter().filter(|code| possible.contains(code)) {
        by_status.entry(code.status()).or_default().push(*code);
    }
    by_status
}

/// Answers with problems, each written once.
#[derive(Default)]
pub(super) struct Refusals(BTreeMap<String, Response>);

impl Refusals {
    /// A reference to the answer of this status with these codes.
    pub(super) fn refer(&mut self, status: u16, codes: &[Code], keyed: bool, headers: &mut Used) -> Ref {
        let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let prefix = if keyed { "" } else { "public." };
        let name = format!("{prefix}{status}.{}", names.join("."));
        let reference = Ref::from_response_name(&name);
        self.0.entry(name).or_insert_with(|| response(status, codes, headers.on_refusal(codes, keyed)));
        reference
    }

    /// The answers themselves.
    pub(super) fn components(self) -> BTreeMap<String, Response> {
        self.0
    }
}

fn response(status: u16, codes: &[Code], headers: super::headers::Headers) -> Response {
    let titles: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let examples = codes.iter().map(|code| {
        let value = json!(Problem::plain(*code).document(REQUEST_ID));
        let example = ExampleBuilder::new().summary(code.title()).value(Some(sorted(value)));
        (code.as_str(), example.build())
    });
    let content = ContentBuilder::new().schema(Some(narrowed(status, codes))).examples_from_iter(examples);
    let mut response = ResponseBuilder::new()
        .description(titles.join(" "))
        .content("application/problem+json", content.build())
        .build();
    response.headers = headers;
    response
}

/// A problem of this status with one of these codes.
fn narrowed(status: u16, codes: &[Code]) -> AllOfBuilder {
    let status: Object = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status])).build();
    let names = codes.iter().map(|code| code.as_str());
    let code: Object = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build();
    let narrow =
        ObjectBuilder::new().schema_type(Type::Object).property("status", status).property("code", code);
    AllOfBuilder::new().item(Ref::from_schema_name(Document::name())).item(narrow)
}
