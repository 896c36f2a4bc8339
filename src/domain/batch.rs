//! A body becomes a batch: one item per element of the array, each judged on its own.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{
    caps::Caps,
    catalogue::Catalogue,
    country::Country,
    excerpt::excerpt,
    ids::Inlet,
    json::{Member, duplicate, raw_members, unquote},
    rejection::{Fault, Rejection},
    scan::scan_members,
};

/// What items are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The limits of the server.
    pub caps: &'a Caps,
    /// The attributes and event types of the project.
    pub catalogue: &'a Catalogue,
    /// Whether event types outside the catalogue are refused.
    pub strict: bool,
    /// Completes national phone numbers.
    pub default_country: Option<Country>,
    /// The server's time; stands in for a missing `_event_date`.
    pub now: Timestamp,
}

/// Why a body as a whole is refused. Nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON, or bytes outside strings that are not UTF-8.
    #[error("the body is not valid JSON: {detail}")]
    NotUtf8OrJson {
        /// What was expected and where, by line and column; nothing of the body.
        detail: String,
    },
    /// JSON, but no array.
    #[error("the body must be a JSON array, also for one item")]
    NotAnArray,
    /// An array without elements.
    #[error("the array is empty; send at least one item")]
    Empty,
    /// More elements than a batch may have.
    #[error("the array has {found} items; send at most {limit} in one request")]
    TooMany {
        /// The most that is taken.
        limit: usize,
        /// How many there are.
        found: usize,
    },
}

/// What an element of the array can become.
pub trait Draft: Sized {
    /// The member by which an answer names the item.
    const ID: &'static str;

    /// Judges an item that passed the poison scan and has no member twice.
    ///
    /// # Errors
    /// [`Rejection`] with every fault that was found.
    fn parse(envelope: &[Member<'_>], rules: &Rules<'_>) -> Result<Self, Rejection>;
}

/// One element of the array and what became of it.
#[derive(Debug, Clone)]
pub struct Item<T> {
    /// Place in the array, from 0.
    pub position: usize,
    /// The item's own id, empty where none could be read.
    pub id: String,
    /// Bytes of the item's text.
    pub bytes: usize,
    /// What is to be stored, or why nothing is.
    pub verdict: Result<T, Rejection>,
    /// For a rejected item, its shape without the customer's data (see [`excerpt`]).
    pub excerpt: Option<String>,
}

/// The items of one body, in its order. Only [`Batch::parse`] makes one.
#[derive(Debug)]
#[expect(
    clippy::manual_non_exhaustive,
    reason = "the attribute binds other crates only, this field other modules too"
)]
pub struct Batch<T> {
    /// Where the items are to land.
    pub inlet: Inlet,
    /// One for each element; never empty.
    pub items: Vec<Item<T>>,
    _sealed: (),
}

impl<T: Draft> Batch<T> {
    /// Takes a decoded body apart and judges each element by itself.
    ///
    /// # Errors
    /// [`Malformed`] when the body is not a JSON array of 1 to `caps.items` elements.
    pub fn parse(inlet: Inlet, body: &[u8], rules: &Rules<'_>) -> Result<Self, Malformed> {
        let text = readable(body)?;
        let raw = split(&text)?;
        if raw.is_empty() {
            return Err(Malformed::Empty);
        }
        if raw.len() > rules.caps.items {
            return Err(Malformed::TooMany { limit: rules.caps.items, found: raw.len() });
        }
        let mut members = Vec::new();
        let items = raw.iter().enumerate();
        let items = items.map(|(at, element)| judge(at, element.get(), rules, &mut members)).collect();
        Ok(Self { inlet, items, _sealed: () })
    }

    /// How many items are good.
    pub fn accepted(&self) -> usize {
        self.items.iter().filter(|item| item.verdict.is_ok()).count()
    }
}

/// The body as text. An invalid byte becomes the escape of a lone surrogate: inside a string that is one item's fault,
/// which the scan finds; anywhere else it is a syntax error.
fn readable(body: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    let valid = match std::str::from_utf8(body) {
        Ok(text) => return Ok(Cow::Borrowed(text)),
        Err(error) => error.valid_up_to(),
    };
    if !body[..valid].contains(&b'"') {
        // In no string, so in no item; and the copy below may be several times as long as what is no JSON anyway.
        let detail = "invalid UTF-8 outside of a string".to_owned();
        return Err(Malformed::NotUtf8OrJson { detail });
    }
    let mut text = String::with_capacity(body.len() + 64);
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            // After a backslash, `\udc80` would be read as an escaped backslash and plain letters.
            let slashes = text.bytes().rev().take_while(|b| *b == b'\\').count();
            if slashes % 2 == 1 {
                return Err(Malformed::NotUtf8OrJson {
                    detail: "an escape sequence is not valid UTF-8".to_owned(),
                });
            }
            text.push_str("\\udc80");
        }
    }
    Ok(Cow::Owned(text))
}

/// The elements of the array, each as its own text. Linear, without recursion: see the test of deep nesting.
fn split(text: &str) -> Result<Vec<&RawValue>, Malformed> {
    let not_json = |error: serde_json::Error| {
        let detail = match error.classify() {
            serde_json::error::Category::Syntax | serde_json::error::Category::Eof => error.to_string(),
            _ => format!("error at line {} column {}", error.line(), error.column()),
        };
        Malformed::NotUtf8OrJson { detail }
    };
    if !text.trim_ascii_start().starts_with('[') {
        return match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => Err(Malformed::NotAnArray),
            Err(error) => Err(not_json(error)),
        };
    }
    serde_json::from_str(text).map_err(not_json)
}

/// Judges one element. `members` is room to work in, which the elements share.
fn judge<'a, T: Draft>(
    position: usize,
    raw: &'a str,
    rules: &Rules<'_>,
    members: &mut Vec<Member<'a>>,
) -> Item<T> {
    members.clear();
    let read = envelope(raw, rules, members);
    let id = match &read {
        Ok(()) => value_of(members, T::ID).and_then(|value| id_in(value, rules.caps)),
        // Not every member was reached.
        Err(_) => id_of(raw, T::ID, rules.caps),
    };
    let verdict = read.and_then(|()| T::parse(members, rules));
    let excerpt = verdict.is_err().then(|| excerpt(raw, |kind| rules.catalogue.event(kind).is_some()));
    Item { position, id: id.unwrap_or_default(), bytes: raw.len(), verdict, excerpt }
}

/// Finds the members of an item, once it is what every item must be.
fn envelope<'a>(raw: &'a str, rules: &Rules<'_>, members: &mut Vec<Member<'a>>) -> Result<(), Rejection> {
    if !raw.starts_with('{') {
        return Err(Rejection::of(Fault::whole("must be a JSON object")));
    }
    scan_members(raw, rules.caps, members).map_err(Rejection::of)?;
    match duplicate(members) {
        Some(name) => Err(Rejection::of(Fault::at([name], "appears more than once; send it once"))),
        None => Ok(()),
    }
}

/// The value of a member; the first one's where there are more.
pub(super) fn value_of<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    members.iter().find(|member| member.name == name).map(|member| member.value)
}

/// The id by which the answer names the item, also when the item is bad; none unless it could be stored.
fn id_of(raw: &str, id: &str, caps: &Caps) -> Option<String> {
    let mut members = raw_members(raw).filter(|(name, _)| unquote(name).is_some_and(|name| name == id));
    members.next().and_then(|(_, value)| id_in(value, caps))
}

fn id_in(value: &str, caps: &Caps) -> Option<String> {
    identifier(value, caps.id_bytes).ok().map(Cow::into_owned)
}

/// Reads a required string of 1 to `longest` bytes. Control characters are allowed, only NUL is not.
///
/// # Errors
/// The broken rule.
pub(super) fn identifier(raw: &str, longest: usize) -> Result<Cow<'_, str>, String> {
    if !raw.starts_with('"') {
        return Err("must be a string; put the value in quotes".to_owned());
    }
    match unquote(raw) {
        Some(text) if text.is_empty() => Err("must not be empty".to_owned()),
        Some(text) if text.len() > longest => Err(format!("is longer than {longest} bytes; shorten it")),
        // Without escapes there is no NUL, or it would not be JSON.
        Some(text @ Cow::Borrowed(_)) => Ok(text),
        Some(text) if !text.contains('\0') => Ok(text),
        _ => Err("is not valid text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A draft that takes everything.
    #[derive(Debug)]
    struct Any;

    impl Draft for Any {
        const ID: &'static str = "id";

        fn parse(_: &[Member<'_>], _: &Rules<'_>) -> Result<Self, Rejection> {
            Ok(Self)
        }
    }

    fn parse(body: impl AsRef<[u8]>) -> Result<Batch<Any>, Malformed> {
        let caps = Caps::default();
        let catalogue = Catalogue::builtin();
        let rules = Rules {
            caps: &caps,
            catalogue,
            strict: false,
            default_country: None,
            now: Timestamp::UNIX_EPOCH,
        };
        Batch::parse(Inlet { project: 1, datasource: 2 }, body.as_ref(), &rules)
    }

    #[rstest::rstest]
    #[case(b"")]
    #[case(b"nope")]
    #[case(b"[1")]
    #[case(b"[] []")]
    #[case(b"[1,]")]
    #[case(b"\xef\xbb\xbf[1]")]
    #[case(b"[\xff]")]
    #[case(b"\xff")]
    #[case(b"[\"\\\xff\"]")]
    #[case(b"[\"\x01\"]")]
    #[case(b"{\"secret\"")]
    fn not_json(#[case] body: &[u8]) {
        let error = parse(body).unwrap_err();
        assert!(matches!(error, Malformed::NotUtf8OrJson { .. }), "{error}");
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn other_bodies_are_refused_whole() {
        assert_eq!(parse("{}").unwrap_err(), Malformed::NotAnArray);
        assert_eq!(parse(" \"a\"").unwrap_err(), Malformed::NotAnArray);
        assert_eq!(parse("[]").unwrap_err(), Malformed::Empty);
        let many = format!("[{}0]", "0,".repeat(100));
        assert_eq!(parse(many).unwrap_err(), Malformed::TooMany { limit: 100, found: 101 });
    }

    #[test]
    fn deep_nesting_is_an_item_error_and_no_overflow() {
        let deep = |open: &str, close: &str| {
            format!("[{{\"id\":\"a\",\"x\":{}1{}}},{{}}]", open.repeat(100_000), close.repeat(100_000))
        };
        for body in [deep("[", "]"), deep("{\"a\":", "}")] {
            let batch = parse(body).unwrap();
            assert_eq!(batch.accepted(), 1);
            assert_eq!(batch.items[0].id, "a");
        }
        assert!(parse("[".repeat(100_000)).is_err());
        assert_eq!(parse("[".repeat(100_000) + &"]".repeat(100_000)).unwrap().accepted(), 0);
    }

    #[test]
    fn invalid_utf_8_blames_its_own_item() {
        let batch = parse(
            b"[{\"id\":\"a\",\"x\":\"\xff\"},{\"id\":\"b\"},{\"\xc3\":1,\"id\":\"c\"},{\"id\":\"\xe2\x82\"}]",
        )
        .unwrap();
        let verdicts: Vec<_> =
            batch.items.iter().map(|item| (item.id.as_str(), item.verdict.is_ok())).collect();
        assert_eq!(verdicts, [("a", false), ("b", true), ("c", false), ("", false)]);
        assert!(
            batch.items[0].verdict.as_ref().unwrap_err().summary().starts_with("x: is not valid Unicode")
        );
    }

    #[rstest::rstest]
    #[case("[1]", "must be a JSON object", "")]
    #[case("[[{\"id\":\"a\"}]]", "must be a JSON object", "")]
    #[case(r#"[{"id":"a","b":1,"\u0062":2}]"#, "b: appears more than once; send it once", "a")]
    #[case(
        r#"[{"id":"a","b":"\u0000"}]"#,
        "b: contains the NUL character (\\u0000), which cannot be stored; remove it",
        "a"
    )]
    #[case(r#"[{"id":5,"b":1e999}]"#, "b: is a number with an exponent beyond 308; send a string", "")]
    fn items_are_refused_alone(#[case] body: &str, #[case] summary: &str, #[case] id: &str) {
        let batch = parse(body).unwrap();
        let item = &batch.items[0];
        assert_eq!(item.verdict.as_ref().unwrap_err().summary(), summary);
        assert_eq!(item.id, id);
        assert!(item.excerpt.is_some());
    }
}
