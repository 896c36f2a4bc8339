//! Which route a path means.
//!
//! The framework would try one regular expression after the other, which cost more than everything else that is done for a
//! request. Here the patterns are sorted by their number of segments, and those few that fit it are compared.

use std::sync::LazyLock;

use super::{
    page,
    routes::{DOORS, PUBLIC, Public, ROUTES, Route},
    welcome,
};

/// What stands behind a pattern.
#[derive(Debug)]
pub(super) enum What {
    /// Routes that need a key, one for each method.
    Keyed(Vec<&'static Route>),
    /// A page for everybody, `GET` only.
    Open(Public),
    /// A file of the page that describes the API, `GET` only.
    File(&'static str),
    /// The page behind a one-time link, which knows its methods itself.
    Welcome,
}

/// One pattern, and what stands behind it.
#[derive(Debug)]
pub(super) struct Place {
    /// Which of all places it is, from 0.
    pub(super) number: usize,
    /// Its pattern, such as `/v1/project/{project}`.
    pub(super) pattern: &'static str,
    /// What stands behind it.
    pub(super) what: What,
    segments: Vec<Segment>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    /// This text.
    Fixed(&'static str),
    /// Any text but the empty one.
    Named,
}

/// How many places there are.
pub(super) fn count() -> usize {
    MAP.iter().map(Vec::len).sum()
}

/// The place of a path, in which everything but `%2F`, `%25` and `%2B` is decoded.
pub(super) fn find(path: &str) -> Option<&'static Place> {
    let mut parts = [""; MOST];
    let mut length = 0;
    for part in path.split('/') {
        *parts.get_mut(length)? = part;
        length += 1;
    }
    MAP.get(length)?.iter().find(|place| place.fits(&parts[..length]))
}

/// More segments than any pattern has.
const MOST: usize = 16;

/// The places, by their number of segments; among those of one number the first one that fits counts.
static MAP: LazyLock<Vec<Vec<Place>>> = LazyLock::new(|| {
    let mut map: Vec<Vec<Place>> = (0..MOST).map(|_| Vec::new()).collect();
    let routes = || ROUTES.iter().chain(DOORS);
    let mut paths: Vec<&'static str> = routes().map(|route| route.path).collect();
    paths.dedup();
    let keyed =
        paths.into_iter().map(|path| (path, What::Keyed(routes().filter(|r| r.path == path).collect())));
    let open = PUBLIC.iter().map(|(path, what)| (*path, What::Open(*what)));
    let files = page::FILES.iter().map(|(path, name)| (*path, What::File(name)));
    for (number, (pattern, what)) in
        keyed.chain(open).chain(files).chain([(welcome::PATH, What::Welcome)]).enumerate()
    {
        let segments: Vec<Segment> = pattern.split('/').map(Segment::of).collect();
        if let Some(places) = map.get_mut(segments.len()) {
            places.push(Place { number, pattern, what, segments });
        }
    }
    map
});

impl Segment {
    fn of(text: &'static str) -> Self {
        if text.starts_with('{') { Self::Named } else { Self::Fixed(text) }
    }

    fn fits(&self, part: &str) -> bool {
        match self {
            Self::Fixed(text) => *text == part,
            Self::Named => !part.is_empty(),
        }
    }
}

impl Place {
    /// Compared from the end, where patterns of one length differ.
    fn fits(&self, parts: &[&str]) -> bool {
        self.segments.iter().zip(parts).rev().all(|(segment, part)| segment.fits(part))
    }

    /// The methods it takes, as `Allow` lists them.
    pub(super) fn allowed(&self) -> String {
        match &self.what {
            What::Keyed(routes) => routes.iter().map(|route| route.method).collect::<Vec<_>>().join(", "),
            What::Open(_) | What::File(_) => "GET".to_owned(),
            What::Welcome => welcome::METHODS.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(path: &str) -> Option<&'static str> {
        find(path).map(|place| place.pattern)
    }

    #[test]
    fn every_pattern_is_found_and_numbered_once() {
        let mut numbers: Vec<usize> = MAP.iter().flatten().map(|place| place.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..count()).collect::<Vec<_>>());
        let patterns = ROUTES.iter().chain(DOORS).map(|route| route.path);
        let patterns = patterns.chain(PUBLIC.iter().map(|(path, _)| *path)).chain(page::FILES.map(|f| f.0));
        for path in patterns {
            // No name in a pattern is a word in another one.
            assert_eq!(pattern(&path.replace(['{', '}'], "~")), Some(path));
        }
    }

    #[rstest::rstest]
    #[case("/v1/", Some("/v1/"))]
    #[case("/v1", None)]
    #[case("/", None)]
    #[case("", None)]
    #[case("/v1/project/", None)]
    #[case("/v1/project/a", Some("/v1/project/{project}"))]
    #[case("/v1/project/a/", None)]
    #[case("/v1//a", None)]
    #[case("/v1/project/a/audience/user", Some("/v1/project/{project}/audience/{contact_id}"))]
    #[case("/v1/project/a/audience/user/events", Some("/v1/project/{project}/audience/user/{user_id}"))]
    #[case("/v1/project/a/audience/x/events", Some("/v1/project/{project}/audience/{contact_id}/events"))]
    #[case("/docs/start.js", Some("/docs/start.js"))]
    #[case("/docs/other.js", None)]
    #[case("/welcome", Some("/welcome"))]
    fn the_first_pattern_that_fits_counts(#[case] path: &str, #[case] wanted: Option<&str>) {
        assert_eq!(pattern(path), wanted);
    }

    #[test]
    fn long_paths_mean_nothing() {
        assert_eq!(pattern(&"/a".repeat(100_000)), None);
    }
}
