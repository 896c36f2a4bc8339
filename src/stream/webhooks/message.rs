//! What a receiver gets: the body, its id, and what became of one attempt to deliver it.

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    dial::NotSent,
    line::{Answered, Line, Signed},
    schedule::retry_after,
    secrets::Secrets,
    signing,
};
use crate::{
    domain::{catalogue::Catalogue, clock::Clock, cursor::Cursor},
    store::{outbound::Item, webhooks::record::Attempt},
    stream::{item, mask::Sight},
};

/// What the id of a message begins with; its cursor follows, so that it is the same for every attempt, on every node.
const PREFIX: &str = "msg_";

/// The type of a test message.
pub const TEST: &str = "webhook.test";

/// A message.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// The same for every attempt.
    pub(super) id: String,
    /// The type of the item.
    pub(super) kind: String,
    body: Bytes,
}

/// The id of the message about the item at a place.
pub fn id_of(cursor: Cursor) -> String {
    format!("{PREFIX}{}", cursor.encode())
}

/// The place of the item that a message of this id is about; `None` of what is no such id.
pub fn cursor_of(id: &str) -> Option<Cursor> {
    Cursor::decode(id.strip_prefix(PREFIX)?).ok()
}

impl Message {
    /// The one about an item.
    ///
    /// # Errors
    /// When what is stored is no JSON object, which is a defect.
    pub(super) fn about(item: &Item, sight: Sight, catalogue: &Catalogue) -> serde_json::Result<Self> {
        let data = item::write(item, sight, catalogue)?;
        let kind = serde_json::to_string(&item.event_type)?;
        let body = format!(r#"{{"type":{kind},"timestamp":"{}","data":{data}}}"#, item.occurred_at);
        Ok(Self { id: id_of(item.cursor), kind: item.event_type.clone(), body: body.into() })
    }

    /// A test message.
    pub(super) fn test(id: &str, now: Timestamp) -> Self {
        let body = format!(
            r#"{{"type":"{TEST}","timestamp":"{now}","data":{{"note":"A test message: the receiver is set up."}}}}"#
        );
        Self { id: id.to_owned(), kind: TEST.to_owned(), body: body.into() }
    }
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was taken.
    Delivered,
    /// It was not; the receiver may have said when to come again.
    Failed(Option<std::time::Duration>),
    /// The receiver wants no more (410).
    Unwanted,
}

impl Verdict {
    /// Every result, as it is counted.
    pub(super) const NAMES: [&str; 3] = ["delivered", "failed", "unwanted"];

    /// The result as it is counted.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Delivered => Self::NAMES[0],
            Self::Failed(_) => Self::NAMES[1],
            Self::Unwanted => Self::NAMES[2],
        }
    }
}

/// What is written down of an item that makes no message.
pub(super) fn unwritten(item: &Item, number: i32, now: Timestamp) -> Attempt {
    Attempt {
        at: now,
        message: id_of(item.cursor),
        kind: item.event_type.clone(),
        attempt: number,
        status: None,
        latency_ms: 0,
        error: Some("nothing was sent: what is kept of this item is no JSON object".to_owned()),
    }
}

/// Sends a message once; `number` counts attempts from 1.
pub(super) async fn attempt(
    line: &Line,
    secrets: &Secrets,
    message: &Message,
    number: i32,
    clock: &dyn Clock,
) -> (Attempt, Verdict) {
    let (at, began) = (clock.now(), clock.monotonic());
    let second = at.as_second();
    let signature = signing::header(&secrets.live(at), &message.id, second, &message.body);
    let signed = Signed { id: message.id.clone(), second, signature, body: message.body.clone() };
    let sent = line.send(&signed).await;
    let millis = clock.monotonic().saturating_sub(began) / 1_000_000;
    let (status, error, verdict) = judged(&sent, clock.now());
    let attempt = Attempt {
        at,
        message: message.id.clone(),
        kind: message.kind.clone(),
        attempt: number,
        status,
        latency_ms: i32::try_from(millis).unwrap_or(i32::MAX),
        error,
    };
    (attempt, verdict)
}

fn judged(sent: &Result<Answered, NotSent>, now: Timestamp) -> (Option<i32>, Option<String>, Verdict) {
    let answered = match sent {
        Ok(answered) => answered,
        Err(error) => return (None, Some(error.to_string()), Verdict::Failed(None)),
    };
    let status = i32::from(answered.status);
    let (error, verdict) = match answered.status {
        200..=299 => return (Some(status), None, Verdict::Delivered),
        300..=399 => ("the receiver sent us elsewhere; redirects are not followed".to_owned(), None),
        410 => return (Some(status), Some("the receiver wants no more (410)".into()), Verdict::Unwanted),
        other => {
            let asked = answered.retry_after.as_deref().and_then(|text| retry_after(text, now));
            (format!("the receiver answered {other}"), asked)
        }
    };
    (Some(status), Some(error), Verdict::Failed(verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::clock::truncate, store::log::Kind};

    #[test]
    fn an_id_leads_back_to_its_place() {
        let cursor = Cursor { epoch: 3, tx: 77, id: 12 };
        let id = id_of(cursor);
        assert_eq!((id.len(), cursor_of(&id)), (38, Some(cursor)));
        assert!(!id.contains('.'), "the signed text has points between its parts");
        for other in ["", "msg_", "msg_test_1", &id[4..], &id[..37]] {
            assert_eq!(cursor_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_body_is_type_time_and_the_item_as_pages_have_it() {
        let at: Timestamp = "2026-11-20T12:00:00.5Z".parse().unwrap();
        let item = Item {
            cursor: Cursor { epoch: 1, tx: 2, id: 3 },
            kind: Kind::Event,
            event_type: "a \"quoted\" type".into(),
            datasource: "ds_1".into(),
            user_id: "u".into(),
            event_id: Some("e".into()),
            occurred_at: truncate(at),
            received_at: at,
            body: r#"{"n":1.50}"#.into(),
        };
        let message = Message::about(&item, Sight::Whole, Catalogue::builtin()).unwrap();
        let written = item::write(&item, Sight::Whole, Catalogue::builtin()).unwrap();
        let wanted = format!(
            r#"{{"type":"a \"quoted\" type","timestamp":"2026-11-20T12:00:00.5Z","data":{written}}}"#
        );
        assert_eq!(std::str::from_utf8(&message.body).unwrap(), wanted);
    }

    #[test]
    fn only_2xx_is_taken() {
        let now = Timestamp::UNIX_EPOCH;
        let verdict = |status, retry_after: Option<&str>| {
            let answered = Answered { status, retry_after: retry_after.map(str::to_owned) };
            judged(&Ok(answered), now).2
        };
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(verdict(status, None), Verdict::Delivered);
        }
        for status in [199, 301, 302, 307, 400, 401, 404, 429, 500, 503, 599] {
            assert_eq!(verdict(status, None), Verdict::Failed(None), "{status}");
        }
        let wait = std::time::Duration::from_secs(7);
        assert_eq!(verdict(503, Some("7")), Verdict::Failed(Some(wait)));
        assert_eq!(verdict(410, Some("7")), Verdict::Unwanted);
    }
}
