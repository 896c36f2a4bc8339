//! Problems (RFC 9457): the only file that knows status codes of errors.
//!
//! Each code answers three questions: which status, whether the same request may succeed later, and whether anything
//! happened. `docs/errors.md` and the page `/docs/errors` are written from this table.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Whether a request that met a problem left anything behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing was stored.
    Nothing,
    /// It cannot be told; sending the same ids again settles it.
    Unknown,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:literal, $title:literal, $retry:literal, $effect:ident;)+) => {
        /// Why a request was not answered with success. Closed: clients may rely on the list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name),+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable text clients switch on.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// A short, constant summary.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// Whether the same request may succeed later without being changed.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retry),+ }
            }

            /// Whether anything happened.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect),+ }
            }

            /// What it means and what to do, for the documentation.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n"),+)),+ }
            }
        }
    };
}

codes! {
    /// The request has no `Authorization: Bearer <key>` header, or one with another scheme. Send the key.
    MissingCredentials = "missing_credentials", 401, "No credentials", false, Nothing;
    /// The key does not hold: unknown, malformed, expired, revoked, deleted, or sent by a channel that its kind does not
    /// have. The answer is the same for all of these. Make a new key and send that.
    InvalidToken = "invalid_token", 401, "The credential is not valid", false, Nothing;
    /// Two credentials in one request, or an event-stream key in the URL. Send exactly one, in the header.
    InvalidRequest = "invalid_request", 400, "More than one credential, or one in the wrong place", false, Nothing;
    /// The key is valid here but lacks the scope that `WWW-Authenticate` names. Scopes are fixed when a key is made: make
    /// one with that scope.
    InsufficientScope = "insufficient_scope", 403, "The key lacks a scope", false, Nothing;
    /// There is no such route, project or datasource, or it lies outside the reach of the key.
    NotFound = "not_found", 404, "Not found", false, Nothing;
    /// The datasource holds no contact with this `_user_id`.
    ContactNotFound = "contact_not_found", 404, "No such contact", false, Nothing;
    /// The catalogue has no event type of this name. Events of that name may still be accepted; they have no declared
    /// parameters.
    EventTypeNotFound = "event_type_not_found", 404, "No such event type", false, Nothing;
    /// The catalogue has no attribute of this name.
    AttributeNotFound = "attribute_not_found", 404, "No such attribute", false, Nothing;
    /// The event type declares no parameter of this name.
    ParameterNotFound = "parameter_not_found", 404, "No such parameter", false, Nothing;
    /// The project has no key with this id, or it was deleted.
    KeyNotFound = "key_not_found", 404, "No such key", false, Nothing;
    /// The project has no webhook with this id, or it was deleted.
    WebhookNotFound = "webhook_not_found", 404, "No such webhook", false, Nothing;
    /// The project's stream holds no item that a message of this id is about, or the webhook does not ask for items of its type or
    /// datasource.
    MessageNotFound = "message_not_found", 404, "No such message", false, Nothing;
    /// The project has as many webhooks as one project may. Delete some.
    TooManyWebhooks = "too_many_webhooks", 409, "Too many webhooks", false, Nothing;
    /// Only a live key of a kind that is shown once can be rotated, and only once. `detail` says what stands in the way: it was rotated
    /// already, has expired, was revoked, or is regenerated instead.
    NotRotatable = "not_rotatable", 409, "The key cannot be rotated", false, Nothing;
    /// Only the names of datasource tokens and product tokens can be corrected. Make another key and delete this one.
    NameFixed = "name_fixed", 409, "The name of this kind of key is fixed", false, Nothing;
    /// The name is taken, by the project itself or by the built-in set. Choose another one, or change what is there.
    AlreadyExists = "already_exists", 409, "The name is taken", false, Nothing;
    /// What is built in can neither be changed nor removed. Declare one of your own.
    BuiltIn = "built_in", 409, "It is built in", false, Nothing;
    /// The project has declared as many attributes, event types and parameters as one project may. Remove some.
    TooManySpecs = "too_many_specs", 409, "Too many specs", false, Nothing;
    /// A request with this `Idempotency-Key` is being answered right now. Wait as many seconds as `Retry-After` says and send it again:
    /// it gets that answer.
    IdempotencyInFlight = "idempotency_in_flight", 409, "The same request is being answered", true, Nothing;
    /// This `Idempotency-Key` was used for a request with another body or of another route. Give each request a key of its own, and
    /// repeat it as it was.
    IdempotencyMismatch = "idempotency_mismatch", 422, "The idempotency key was used for another request", false, Nothing;
    /// `Idempotency-Key` is not one value of 1 to 255 printable ASCII characters. A random UUID is a good one.
    InvalidIdempotencyKey = "invalid_idempotency_key", 400, "The idempotency key is not valid", false, Nothing;
    /// The server has no secret key, under which keys that can be shown again and secrets of webhooks are kept, so none can be made. Whoever runs it sets
    /// `TIDEGATE_SECRET_KEY`.
    NoSecretKey = "no_secret_key", 409, "The server has no secret key", false, Nothing;
    /// The key works, but its text was sealed under a secret key that the server does not have; or the secret of a webhook was. Put that
    /// secret key back, or regenerate the key, or rotate the webhook's secret, to continue.
    NotRetrievable = "not_retrievable", 409, "The key cannot be shown", false, Nothing;
    /// The path names no event type; add it as the last segment.
    EventTypeMissing = "event_type_missing", 400, "No event type in the path", false, Nothing;
    /// A part of the path is not valid: percent-encoding that is not UTF-8, an empty or an over-long id.
    InvalidPath = "invalid_path", 400, "The path is not valid", false, Nothing;
    /// A query parameter has a value that it does not take; `detail` names both.
    InvalidParameter = "invalid_parameter", 400, "A query parameter is not valid", false, Nothing;
    /// The text is no cursor of this server: cut, typed, forged, of another database, or of a version that writes cursors in
    /// another way. Send one exactly as it was given out, or none to begin again.
    InvalidCursor = "invalid_cursor", 400, "The cursor is not valid", false, Nothing;
    /// What the cursor points at is no longer there under that name. Go on from the cursor in `restart`; where the problem has
    /// no `restart`, begin again without a cursor.
    CursorExpired = "cursor_expired", 410, "The cursor is from before a restore, or older than what is kept", false, Nothing;
    /// The route exists, but not with this method; `Allow` lists those it has.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed", false, Nothing;
    /// The body is not JSON. `detail` says where it stops being JSON.
    MalformedJson = "malformed_json", 400, "The body is not JSON", false, Nothing;
    /// The body is JSON, but not an array. Wrap a single item in `[` and `]`.
    NotAnArray = "not_an_array", 400, "The body is not an array", false, Nothing;
    /// The body is not the JSON object that this route takes: a member is missing, unknown, or breaks a rule. `errors` names each
    /// with a JSON pointer.
    InvalidBody = "invalid_body", 400, "The body is not valid", false, Nothing;
    /// The array is empty. Send at least one item.
    EmptyBatch = "empty_batch", 400, "The batch is empty", false, Nothing;
    /// The array has more items than a batch may have. Split it.
    TooManyItems = "too_many_items", 400, "Too many items", false, Nothing;
    /// The connection ended, or broke its own framing, before the body was complete. Send the request again.
    IncompleteBody = "incomplete_body", 400, "The body is incomplete", true, Nothing;
    /// The request is not HTTP: a broken request line, header or length, or two lengths. The connection ends.
    MalformedRequest = "malformed_request", 400, "The request is not valid HTTP", false, Nothing;
    /// The head of the request is too long. Send fewer or shorter headers.
    HeadTooLarge = "head_too_large", 431, "The head of the request is too large", false, Nothing;
    /// The head of the request did not arrive in time. Send it faster.
    HeadTimeout = "head_timeout", 408, "The head of the request arrived too slowly", true, Nothing;
    /// The body is larger than the server takes. Split the batch.
    BodyTooLarge = "body_too_large", 413, "The body is too large", false, Nothing;
    /// `Content-Type` is not `application/json` in UTF-8.
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type", false, Nothing;
    /// `Content-Encoding` is not one of those that `Accept-Encoding` of the answer lists.
    UnsupportedEncoding = "unsupported_encoding", 415, "Unsupported content encoding", false, Nothing;
    /// The body is not in the encoding that `Content-Encoding` names, or ends before it does. `detail` says which.
    MalformedEncoding = "malformed_encoding", 400, "The body does not decode", false, Nothing;
    /// The body did not arrive in time. Send it faster, or in smaller batches.
    BodyTimeout = "body_timeout", 408, "The body arrived too slowly", true, Nothing;
    /// No item of the batch was good; the answer has the shape of a push answer and names the reason for each item.
    NoValidItem = "no_valid_item", 422, "No item was valid", false, Nothing;
    /// The budget of this datasource or project is spent. Wait as many seconds as `Retry-After` says.
    RateLimited = "rate_limited", 429, "The budget is spent", true, Nothing;
    /// More work is waiting than the server takes in. Wait as many seconds as `Retry-After` says.
    Overloaded = "overloaded", 503, "The server is overloaded", true, Nothing;
    /// The database cannot be reached or takes no writes. Wait as many seconds as `Retry-After` says.
    StoreUnavailable = "store_unavailable", 503, "The store is unavailable", true, Nothing;
    /// The datasource is being purged: what it held is removed, and until that is done nothing new is taken. Wait as many seconds as
    /// `Retry-After` says.
    Purging = "purging", 503, "The datasource is being purged", true, Nothing;
    /// The server is shutting down. Send the request again; another node, or this one after its restart, takes it.
    Draining = "draining", 503, "The server is shutting down", true, Nothing;
    /// The database was lost during the commit, and its fate could not be found out in time. Send the same ids again: what
    /// was stored then answers `duplicate` or `unchanged`.
    OutcomeUnknown = "outcome_unknown", 503, "The outcome is unknown", true, Unknown;
    /// The database refuses a value of this batch, although it passed validation. This is a defect of the server; please
    /// report it with the `request_id`.
    Unstorable = "unstorable", 400, "The batch cannot be stored", false, Nothing;
    /// A defect of the server; please report it with the `request_id`.
    Internal = "internal", 500, "Internal error", true, Nothing;
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let known = Self::ALL.iter().map(|code| code.as_str());
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known));
        schema
            .description(Some("The stable text to switch on. Each is explained under `/docs/errors`."))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        "ErrorCode".into()
    }
}

/// Where an input is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InputError {
    /// JSON pointer (RFC 6901) into the body.
    pub pointer: String,
    /// The rule that was broken.
    pub detail: String,
}

/// A problem on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The code, from which status and title follow.
    pub code: Code,
    /// What is wrong with this very request; never holds SQL, a path of the machine, a key or a customer's value.
    pub detail: Cow<'static, str>,
    /// The inputs at fault, where there are any.
    pub errors: Vec<InputError>,
    /// The cursor to go on from, where the one that was sent has expired and its place is known.
    pub restart: Option<String>,
    /// Headers that the code asks for, such as `Retry-After`, `Allow` or `WWW-Authenticate`.
    pub headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem with the detail of this request.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), restart: None, headers: Vec::new() }
    }

    /// A problem whose title says it all.
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds an input at fault.
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(InputError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Names the cursor to go on from.
    pub fn restart(mut self, cursor: impl Into<String>) -> Self {
        self.restart = Some(cursor.into());
        self
    }

    /// Asks the client to wait, in seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("Retry-After", seconds.to_string())
    }

    /// The document.
    pub fn document<'a>(&'a self, request_id: &'a str) -> Document<'a> {
        Document {
            r#type: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status(),
            detail: &self.detail,
            message: &self.detail,
            code: self.code.as_str(),
            request_id,
            errors: &self.errors,
            restart: self.restart.as_deref(),
        }
    }
}

/// The body of a problem, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// `/docs/errors#` and the code: where it is explained.
    #[schema(format = "uri-reference")]
    r#type: String,
    /// A short, constant summary of the code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this very request.
    detail: &'a str,
    /// The same as `detail`.
    message: &'a str,
    #[schema(value_type = Code)]
    code: &'static str,
    /// The same as the header `X-Request-Id`.
    request_id: &'a str,
    /// The inputs at fault, where there are any.
    #[serde(skip_serializing_if = "<[InputError]>::is_empty")]
    errors: &'a [InputError],
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct() {
        let texts: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }

    #[test]
    fn only_what_may_come_right_by_waiting_is_retryable() {
        for code in Code::ALL {
            let temporary = matches!(code.status(), 408 | 429 | 500 | 503)
                || matches!(code, Code::IncompleteBody | Code::IdempotencyInFlight);
            assert_eq!(code.retryable(), temporary, "{}", code.as_str());
        }
    }
}
