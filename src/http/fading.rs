//! What is said on every answer to a key that was rotated: that it has a successor, and when it ends.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};

use crate::auth::Caller;

/// A rotated key's past and future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fading {
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Fading {
    /// What is to be said to this caller; nothing, unless the key was rotated.
    pub(super) fn of(caller: &Caller) -> Option<Self> {
        let key = caller.key();
        key.rotated_at.map(|since| Self { since, until: key.expires_at })
    }

    /// Adds `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
    pub(super) fn say(self, headers: &mut HeaderMap) {
        const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
        const SUNSET: HeaderName = HeaderName::from_static("sunset");
        let since = format!("@{}", self.since.as_second());
        // Whole seconds, cut: nobody is told a moment at which the key has ended already.
        let until = self.until.and_then(|end| DateTimePrinter::new().timestamp_to_rfc9110_string(&end).ok());
        for (name, text) in [(DEPRECATION, Some(since)), (SUNSET, until)] {
            // Digits, letters and a comma always make a value.
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_standards_say() {
        let fading = Fading {
            since: "2026-11-20T12:00:00.9Z".parse().unwrap(),
            until: Some("2026-11-21T12:00:00.9Z".parse().unwrap()),
        };
        let mut headers = HeaderMap::new();
        fading.say(&mut headers);
        assert_eq!(headers.get("Deprecation").unwrap(), "@1795176000");
        assert_eq!(headers.get("Sunset").unwrap(), "Sat, 21 Nov 2026 12:00:00 GMT");
    }
}
