//! Reading the answer to a push without parsing it.
//!
//! An answer holds `"outcome":"…"` once for each item, in the order of the request. Inside a JSON string every quote has a backslash
//! before it, so these bytes cannot come from an id or a message, whatever those hold; finding them is exact for every answer that
//! is written without white space between its tokens, as the server does. Where their number is not that of the items, the answer
//! is parsed whole.

use memchr::memmem::{self, Finder};
use serde::Deserialize;

use super::outcomes::Outcome;

/// Finds the outcomes of items.
#[derive(Debug, Clone)]
pub(super) struct Reader(Finder<'static>);

/// A minute of the server's clock, as the first 16 characters of an RFC 3339 time in UTC.
pub(super) type Minute = [u8; 16];

impl Reader {
    pub(super) fn new() -> Self {
        Self(Finder::new(b"\"outcome\":\""))
    }

    /// The outcomes of `wanted` items into an empty list; false when the answer does not tell them all.
    pub(super) fn outcomes(&self, body: &[u8], wanted: usize, into: &mut Vec<Outcome>) -> bool {
        into.clear();
        for at in self.0.find_iter(body) {
            let word = &body[at + self.0.needle().len()..];
            let end = memchr::memchr(b'"', word).unwrap_or(0);
            match outcome(&word[..end]) {
                Some(outcome) => into.push(outcome),
                None => break,
            }
        }
        into.len() == wanted || parsed(body, wanted, into)
    }
}

/// The minute in which the server wrote the batch, where the answer tells.
pub(super) fn minute(body: &[u8]) -> Option<Minute> {
    const NAME: &[u8] = b"\"receivedAt\":\"";
    let begin = memmem::rfind(body, NAME)? + NAME.len();
    let minute = body.get(begin..begin + size_of::<Minute>())?;
    (body.get(begin + size_of::<Minute>()) == Some(&b':')).then(|| minute.try_into().ok())?
}

fn outcome(word: &[u8]) -> Option<Outcome> {
    super::OUTCOMES.into_iter().find(|outcome| outcome.as_str().as_bytes() == word)
}

#[derive(Deserialize)]
struct Pushed<'a> {
    #[serde(borrow)]
    entity: Entity<'a>,
}

#[derive(Deserialize)]
struct Entity<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    outcome: &'a str,
}

fn parsed(body: &[u8], wanted: usize, into: &mut Vec<Outcome>) -> bool {
    into.clear();
    let Ok(pushed) = serde_json::from_slice::<Pushed<'_>>(body) else { return false };
    into.extend(pushed.entity.items.iter().filter_map(|item| outcome(item.outcome.as_bytes())));
    into.len() == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"success":false,"accepted":[],"errors":[{"position":1,"item":"a\"outcome\":\"stored\"","error":"x"}],
        "entity":{"items":[{"status":"success","_event_id":"1","outcome":"stored"},
        {"status":"error","_event_id":"a\"outcome\":\"stored\"","outcome":"conflict"}]},
        "receipt":{"durability":"committed","receivedAt":"2026-11-26T05:17:09.123456Z"}}"#;

    #[test]
    fn outcomes_come_in_order_and_ids_cannot_forge_them() {
        let (reader, mut found) = (Reader::new(), Vec::new());
        assert!(reader.outcomes(ANSWER.as_bytes(), 2, &mut found));
        assert_eq!(found, [Outcome::Stored, Outcome::Conflict]);
        assert_eq!(minute(ANSWER.as_bytes()).as_ref(), Some(b"2026-11-26T05:17"));
    }

    #[test]
    fn another_spacing_is_parsed() {
        let spaced = ANSWER.replace("\":\"", "\" : \"");
        let mut found = Vec::new();
        assert!(Reader::new().outcomes(spaced.as_bytes(), 2, &mut found));
        assert_eq!(found, [Outcome::Stored, Outcome::Conflict]);
    }

    #[test]
    fn what_does_not_tell_all_is_not_believed() {
        let mut found = Vec::new();
        for body in ["", "{}", "<html>", r#"{"outcome":"stored"}"#, r#"{"outcome":"eaten"}"#] {
            assert!(!Reader::new().outcomes(body.as_bytes(), 2, &mut found), "{body}");
        }
        assert_eq!(minute(b"{\"receivedAt\":\"soon\"}"), None);
    }
}
