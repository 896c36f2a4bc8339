//! What a request shows for itself, before anything is looked up.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;

use super::text::Kind;

/// Why a request is not let in. The three answers of the contract's section 2 that come before any look-up of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No credentials, or another scheme than ours.
    #[error("no credentials")]
    Missing,
    /// A credential that does not hold; deliberately without saying why.
    #[error("the credential does not hold")]
    Invalid,
    /// Two credentials at once, or an event-stream key in a URL.
    #[error("more than one credential, or one where none may be")]
    Ambiguous,
}

/// The one credential of a request. Its `Debug` is silent.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented<'a> {
    /// `Authorization: Bearer <text>`.
    Bearer(Cow<'a, str>),
    /// `Authorization: <text>`.
    Raw(Cow<'a, str>),
    /// `?api_key=<text>`.
    Query(Cow<'a, str>),
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Raw(_) => "Raw(…)",
            Self::Query(_) => "Query(…)",
        })
    }
}

impl<'a> Presented<'a> {
    /// Finds the credential among the `Authorization` headers (RFC 9110, section 11.6.2; RFC 6750) and the query.
    ///
    /// # Errors
    /// [`Refusal`] where there is none, more than one, or an event-stream key in the query.
    pub fn find(
        mut headers: impl Iterator<Item = &'a [u8]>,
        query: Option<&'a str>,
    ) -> Result<Self, Refusal> {
        let from_query = query.map(api_key).transpose()?.flatten();
        match (headers.next(), headers.next(), from_query) {
            (None, _, Some(text)) => Ok(Self::Query(text)),
            (None, _, None) => Err(Refusal::Missing),
            (Some(one), None, None) => header(one),
            _ => Err(Refusal::Ambiguous),
        }
    }

    /// Whether a query presents a credential, so that the address of the request is a secret as well.
    pub fn is_in(query: Option<&str>) -> bool {
        let is_named = |pair: &str| decode(pair.split_once('=').map_or(pair, |(name, _)| name)) == API_KEY;
        query.is_some_and(|query| query.split('&').any(is_named))
    }

    /// The text, and whether a key of `kind` may come this way.
    pub(super) fn text_for(&self) -> (&str, fn(Kind) -> bool) {
        match self {
            Self::Bearer(text) => (text, |_| true),
            Self::Raw(text) => (text, Kind::raw),
            Self::Query(text) => (text, Kind::in_query),
        }
    }
}

/// Reads one header value: `Bearer <key>` in any case, or a bare key.
fn header(value: &[u8]) -> Result<Presented<'_>, Refusal> {
    let (scheme, rest) = match value.iter().position(|byte| *byte == b' ' || *byte == b'\t') {
        Some(at) => (&value[..at], value[at..].trim_ascii()),
        None => (value, &[][..]),
    };
    if scheme.eq_ignore_ascii_case(b"bearer") {
        // Bytes that are no text are no key either, so they are refused like any other noise.
        return std::str::from_utf8(rest)
            .map(|text| Presented::Bearer(text.into()))
            .map_err(|_| Refusal::Invalid);
    }
    match std::str::from_utf8(scheme) {
        Ok(text) if Kind::of_text(text).is_some() && rest.is_empty() => Ok(Presented::Raw(text.into())),
        Ok(text) if Kind::of_text(text).is_some() => Err(Refusal::Invalid),
        _ => Err(Refusal::Missing),
    }
}

/// The parameter of a query that presents a key.
const API_KEY: &str = "api_key";

fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Finds `api_key` in a query, refusing two of them and any value that looks like an event-stream key.
fn api_key(query: &str) -> Result<Option<Cow<'_, str>>, Refusal> {
    let mut found = None;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name), decode(value));
        let leaks = |text: &str| text.starts_with(Kind::EventStream.prefix());
        if leaks(&name) || leaks(&value) {
            return Err(Refusal::Ambiguous);
        }
        if name == API_KEY && found.replace(value).is_some() {
            return Err(Refusal::Ambiguous);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(headers: &'a [&str], query: Option<&'a str>) -> Result<Presented<'a>, Refusal> {
        Presented::find(headers.iter().map(|header| header.as_bytes()), query)
    }

    #[test]
    fn one_credential_is_found_wherever_it_is() {
        assert_eq!(find(&["Bearer tgd_x"], None), Ok(Presented::Bearer("tgd_x".into())));
        assert_eq!(find(&["bEARER   tgd_x "], None), Ok(Presented::Bearer("tgd_x".into())));
        assert_eq!(find(&["instance_x"], None), Ok(Presented::Raw("instance_x".into())));
        assert_eq!(find(&[], Some("a=b&api_key=in%2Dx")), Ok(Presented::Query("in-x".into())));
    }

    #[test]
    fn none_and_foreign_schemes_are_missing() {
        for headers in [&[][..], &["Basic dGdkXw=="], &["Digest x"], &["whatever"]] {
            assert_eq!(find(headers, None), Err(Refusal::Missing), "{headers:?}");
        }
    }

    #[test]
    fn an_empty_bearer_is_a_credential_that_does_not_hold() {
        assert_eq!(find(&["Bearer"], None), Ok(Presented::Bearer("".into())));
        assert_eq!(find(&["Bearer "], None), Ok(Presented::Bearer("".into())));
    }

    #[test]
    fn two_credentials_are_refused() {
        assert_eq!(find(&["Bearer a", "Bearer b"], None), Err(Refusal::Ambiguous));
        assert_eq!(find(&["Bearer a"], Some("api_key=b")), Err(Refusal::Ambiguous));
        assert_eq!(find(&[], Some("api_key=a&api_key=b")), Err(Refusal::Ambiguous));
    }

    #[test]
    fn an_event_stream_key_in_the_query_is_refused() {
        assert_eq!(find(&[], Some("api_key=tge_x")), Err(Refusal::Ambiguous));
        assert_eq!(find(&[], Some("whatever=%74ge_x")), Err(Refusal::Ambiguous));
        assert_eq!(find(&["Bearer a"], Some("tge_x")), Err(Refusal::Ambiguous));
    }

    #[test]
    fn a_query_presents_a_key_by_name() {
        for query in ["api_key=x", "a=b&api_key", "api%5Fkey=x"] {
            assert!(Presented::is_in(Some(query)), "{query}");
        }
        for query in [None, Some(""), Some("key=api_key"), Some("api_keys=x")] {
            assert!(!Presented::is_in(query), "{query:?}");
        }
    }
}
