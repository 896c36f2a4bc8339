//! The headers of answers: which one is due on which answer, and what it says.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::{
    ObjectBuilder, Ref, RefOr, Type,
    extensions::Extensions,
    header::{Header, HeaderBuilder},
};

use crate::http::problem::Code;

/// A header of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    RequestId,
    Limit,
    Remaining,
    Reset,
    Policy,
    Left,
    RetryAfter,
    Challenge,
    Allow,
    Encodings,
    Replayed,
    Deprecation,
    Sunset,
}

/// Those that say what is left of a budget.
const RATES: [Named; 5] = [Named::Limit, Named::Remaining, Named::Reset, Named::Policy, Named::Left];

/// Those on answers to a key that was rotated.
const FADING: [Named; 2] = [Named::Deprecation, Named::Sunset];

/// Whether an answer always carries a header, or only for some of its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Always,
    Sometimes,
}

impl Named {
    const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "X-Request-Id",
            Self::Limit => "X-RateLimit-Limit",
            Self::Remaining => "X-RateLimit-Remaining",
            Self::Reset => "X-RateLimit-Reset",
            Self::Policy => "RateLimit-Policy",
            Self::Left => "RateLimit",
            Self::RetryAfter => "Retry-After",
            Self::Challenge => "WWW-Authenticate",
            Self::Allow => "Allow",
            Self::Encodings => "Accept-Encoding",
            Self::Replayed => "Idempotency-Replayed",
            Self::Deprecation => "Deprecation",
            Self::Sunset => "Sunset",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::RequestId => "The request's own, if it has 1 to 128 harmless characters, else a new one.",
            Self::Limit => "Requests per minute.",
            Self::Remaining => "Requests that would pass right now.",
            Self::Reset => "Unix seconds, rounded up, when the budget is whole again.",
            Self::Policy => "The budget in the form of draft-ietf-httpapi-ratelimit-headers-10.",
            Self::Left => "What is left of it, and the seconds until it is whole again.",
            Self::RetryAfter => "Seconds to wait; after them the same request may pass.",
            Self::Challenge => "How to present a key, and what was wrong with the one presented (RFC 6750).",
            Self::Allow => "The methods that the path has.",
            Self::Encodings => "The content encodings that are taken.",
            Self::Replayed => "Says that the request was answered before, and that this is that answer.",
            Self::Deprecation => "Since when the key has a successor, for a rotated key (RFC 9745).",
            Self::Sunset => "When the key ends, for a rotated key (RFC 8594).",
        }
    }

    fn schema(self) -> ObjectBuilder {
        let of = |r#type| ObjectBuilder::new().schema_type(r#type);
        let number = |least: u8| of(Type::Integer).minimum(Some(least));
        let text = |pattern| of(Type::String).pattern(Some(pattern));
        match self {
            Self::RequestId => text("^[A-Za-z0-9._:/+=-]{1,128}$"),
            Self::Limit | Self::RetryAfter => number(1),
            Self::Remaining | Self::Reset => number(0),
            Self::Policy => text("^\"[a-z.]+\";q=[0-9]+;w=60$"),
            Self::Left => text("^\"[a-z.]+\";r=[0-9]+;t=[0-9]+$"),
            Self::Challenge => text("^Bearer realm=\"tidegate\""),
            Self::Allow => text("^[A-Z]+(, [A-Z]+)*$"),
            Self::Encodings => of(Type::String),
            Self::Replayed => text("^true$"),
            Self::Deprecation => text("^@[0-9]+$"),
            Self::Sunset => text("^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$"),
        }
    }

    fn example(self) -> serde_json::Value {
        match self {
            Self::RequestId => json!(super::refusals::REQUEST_ID),
            Self::Limit => json!(6000),
            Self::Remaining => json!(5999),
            Self::Reset => json!(1_795_255_512),
            Self::Policy => json!("\"events.write\";q=6000;w=60"),
            Self::Left => json!("\"events.write\";r=5999;t=1"),
            Self::RetryAfter => json!(1),
            Self::Challenge => json!("Bearer realm=\"tidegate\", error=\"invalid_token\""),
            Self::Allow => json!("GET, POST"),
            Self::Encodings => json!("gzip, deflate, br, zstd"),
            Self::Replayed => json!("true"),
            Self::Deprecation => json!("@1795176000"),
            Self::Sunset => json!("Sat, 21 Nov 2026 12:00:00 GMT"),
        }
    }

    /// Its name among the components.
    fn component(self, due: Due) -> String {
        match due {
            Due::Always => self.name().to_owned(),
            Due::Sometimes => format!("{}.sometimes", self.name()),
        }
    }

    fn header(self, due: Due) -> Header {
        let header = HeaderBuilder::new()
            .description(Some(self.description()))
            .schema(Some(self.schema()))
            .example(Some(self.example()));
        match due {
            // The keyword has no place of its own in the model.
            Due::Always => header.extensions(Some(Extensions::from_iter([("required", true)]))).build(),
            Due::Sometimes => header.build(),
        }
    }
}

/// Headers by name, each a reference to a component.
pub(super) type Headers = BTreeMap<String, RefOr<Header>>;

/// The components that were referred to.
#[derive(Default)]
pub(super) struct Used(BTreeMap<String, Header>);

impl Used {
    fn refer(&mut self, due: impl IntoIterator<Item = (Named, Due)>) -> Headers {
        due.into_iter()
            .map(|(named, due)| {
                let component = named.component(due);
                let reference = Ref::new(format!("#/components/headers/{component}"));
                self.0.entry(component).or_insert_with(|| named.header(due));
                (named.name().to_owned(), RefOr::Ref(reference))
            })
            .collect()
    }

    /// The headers of a success.
    pub(super) fn on_success(&mut self, keyed: bool, repeatable: bool) -> Headers {
        let rates = RATES.into_iter().filter(|_| keyed);
        let always = [Named::RequestId].into_iter().chain(rates).map(|named| (named, Due::Always));
        let fading = FADING.into_iter().filter(|_| keyed).map(|named| (named, Due::Sometimes));
        let replayed = repeatable.then_some((Named::Replayed, Due::Sometimes));
        self.refer(always.chain(fading).chain(replayed))
    }

    /// The headers of a refusal with one of these codes.
    pub(super) fn on_refusal(&mut self, codes: &[Code], keyed: bool) -> Headers {
        let mut due = vec![(Named::RequestId, Due::Always)];
        let mut add = |named: &[Named], carries: fn(Code) -> Carries| {
            let carried: Vec<Carries> = codes.iter().map(|code| carries(*code)).collect();
            if carried.iter().all(|one| *one == Carries::Yes) {
                due.extend(named.iter().map(|named| (*named, Due::Always)));
            } else if carried.iter().any(|one| *one != Carries::No) {
                due.extend(named.iter().map(|named| (*named, Due::Sometimes)));
            }
        };
        if keyed {
            add(&RATES, paced);
            add(&FADING, |code| if paced(code) == Carries::No { Carries::No } else { Carries::Maybe });
        }
        add(&[Named::RetryAfter], |code| {
            yes(matches!(code.status(), 429 | 503) || code == Code::IdempotencyInFlight)
        });
        add(&[Named::Challenge], |code| {
            yes(matches!(code.status(), 401 | 403) || code == Code::InvalidRequest)
        });
        add(&[Named::Allow], |code| yes(code == Code::MethodNotAllowed));
        add(&[Named::Encodings], |code| yes(code == Code::UnsupportedEncoding));
        self.refer(due)
    }

    /// The components themselves.
    pub(super) fn components(self) -> BTreeMap<String, Header> {
        self.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carries {
    Yes,
    Maybe,
    No,
}

const fn yes(carries: bool) -> Carries {
    if carries { Carries::Yes } else { Carries::No }
}

/// Whether a code is met only after the budget was looked at.
const fn paced(code: Code) -> Carries {
    match code {
        Code::MissingCredentials
        | Code::InvalidToken
        | Code::InvalidRequest
        | Code::MalformedRequest
        | Code::HeadTooLarge
        | Code::HeadTimeout => Carries::No,
        Code::Draining | Code::Internal => Carries::Maybe,
        _ => Carries::Yes,
    }
}
