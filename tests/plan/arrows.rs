//! Who may use whom.
//!
//! The stations stand in a row, and arrows point at what is used: a station may name itself and the stations to its
//! left. Every path that starts at the root of the crate is followed, in whatever shape it is written; tests inside a
//! station are held to the same row.

use crate::source::{Token, text, tokens};
use crate::{Breach, File, House};

const RULE: &str = "arrows";

/// The stations, from what everything may use to what nothing may use.
pub const FLOW: [&str; 11] =
    ["telemetry", "domain", "store", "auth", "limit", "ingest", "stream", "http", "config", "cli", "main"];

/// The place of a station in the row, or nothing when there is no such station.
pub fn place(station: &str) -> Option<usize> {
    FLOW.iter().position(|known| *known == station)
}

/// Every path that does not point down the row, and every file that belongs to no station.
pub fn check(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in house.below("src/").filter(|file| file.path != "src/lib.rs") {
        let station = station(file);
        match place(station) {
            None => breaches.push(Breach::new(file, 1, RULE, unknown(station))),
            Some(from) if file.is_rust() => breaches.extend(paths(file, from)),
            Some(_) => {}
        }
    }
    breaches
}

/// What is said about a name that is not in the row.
pub fn unknown(station: &str) -> String {
    format!("`{station}` is not a station; the stations are {}", FLOW.join(" ← "))
}

/// The first part of the path below `src/`, without `.rs`.
fn station(file: &File) -> &str {
    let below = file.path.trim_start_matches("src/");
    let first = below.split('/').next().unwrap_or_default();
    first.trim_end_matches(".rs")
}

fn paths(file: &File, from: usize) -> Vec<Breach> {
    let (own, mut breaches) = (FLOW[from], Vec::new());
    for reach in reaches(file) {
        let what = match (reach.target.as_str(), place(&reach.target)) {
            ("*", _) if own == "main" => continue,
            ("*", _) => "the root of the crate by a glob or under another name hides the arrow".to_owned(),
            (name, None) => unknown(name),
            (_, Some(to)) if to <= from => continue,
            (name, Some(_)) => format!("`{own}` may not use `{name}`; the row is {}", FLOW.join(" ← ")),
        };
        breaches.push(Breach::new(file, reach.line, RULE, what));
    }
    breaches
}

/// A path that starts at the root of the crate: the name that follows the root, or `*` for all of it.
struct Reach {
    line: usize,
    target: String,
}

/// The module that a file is, as its path from the root: empty for the binary, whose root is the library.
fn module(file: &File) -> Vec<String> {
    let below = file.path.trim_start_matches("src/").trim_end_matches(".rs");
    below.split('/').filter(|part| *part != "mod" && *part != "main").map(str::to_owned).collect()
}

fn reaches(file: &File) -> Vec<Reach> {
    let tokens = tokens(&file.text);
    let root = if file.path == "src/main.rs" { "tidegate" } else { "crate" };
    let mut walk = Walk { tokens: &tokens, found: Vec::new() };
    let (mut here, mut inner, mut depth) = (module(file), Vec::new(), 0_usize);
    for index in 0..tokens.len() {
        match text(&tokens, index) {
            "{" => {
                depth += 1;
                if index >= 2 && text(&tokens, index - 2) == "mod" {
                    here.push(text(&tokens, index - 1).to_owned());
                    inner.push(depth);
                }
            }
            "}" => {
                if inner.last() == Some(&depth) {
                    inner.pop();
                    here.pop();
                }
                depth = depth.saturating_sub(1);
            }
            "super" if root == "crate" => walk.branch(index, &here),
            word if word == root => walk.start(index),
            _ => {}
        }
    }
    walk.found
}

struct Walk<'a> {
    tokens: &'a [Token],
    found: Vec<Reach>,
}

impl Walk<'_> {
    fn text(&self, index: usize) -> &str {
        text(self.tokens, index)
    }

    fn reach(&mut self, index: usize, target: &str) {
        let line = self.tokens.get(index).map_or(1, |token| token.line);
        self.found.push(Reach { line, target: target.to_owned() });
    }

    /// The word that means the root stands at `index`.
    fn start(&mut self, index: usize) {
        match self.text(index + 1) {
            "as" => self.reach(index, "*"),
            "::" => self.branch(index + 2, &[]),
            _ => {}
        }
    }

    /// Follows what stands at `index`, to be read inside the module `at`, until it names a station or stays inside one.
    fn branch(&mut self, index: usize, at: &[String]) {
        match (self.text(index), at.split_last()) {
            ("super", Some((_, parent))) => match self.text(index + 1) {
                "::" => self.branch(index + 2, parent),
                "as" if parent.is_empty() => self.reach(index, "*"),
                _ => {}
            },
            ("super", None) => {}
            ("{", _) => self.group(index, at),
            ("self", None) if self.text(index + 1) != "as" => {}
            ("self" | "*", None) => self.reach(index, "*"),
            (_, None) => {
                let name = self.text(index).to_owned();
                self.reach(index, &name);
            }
            (_, Some(_)) => {}
        }
    }

    /// Follows every element of the group that opens at `open`.
    fn group(&mut self, open: usize, at: &[String]) {
        let (mut depth, mut index) = (0_usize, open);
        while index < self.tokens.len() {
            match self.text(index) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
            let opens_element = depth == 1 && matches!(self.text(index), "{" | ",");
            if opens_element && self.text(index + 1) != "}" {
                self.branch(index + 1, at);
            }
            index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FLOW, check};
    use crate::refused;

    fn lines(path: &str, text: &str) -> Vec<String> {
        refused(check, &[(path, text)])
    }

    #[test]
    fn the_row_holds_for_every_pair() {
        for (from, station) in FLOW.iter().enumerate().take(FLOW.len() - 1) {
            for (to, used) in FLOW.iter().enumerate() {
                let path = format!("src/{station}/x.rs");
                let found = lines(&path, &format!("use crate::{used}::X;"));
                assert_eq!(found.is_empty(), to <= from, "{station} uses {used}: {found:?}");
            }
        }
    }

    #[test]
    fn groups_are_followed_over_lines() {
        let text =
            "use crate::{\n  domain::{ids, clock::{Clock, http}},\n  http::{wire, store},\n  auth,\n};\n";
        assert_eq!(lines("src/store/x.rs", text), ["src/store/x.rs:3", "src/store/x.rs:4"]);
        assert_eq!(lines("src/store/x.rs", "use crate::{{http::x}, domain::y};"), ["src/store/x.rs:1"]);
    }

    #[test]
    fn inline_paths_are_followed() {
        let text =
            "pub(in crate::ingest) fn f(\n  x: Vec<crate::http::wire::X>,\n) {\n  crate::store::go()\n}";
        assert_eq!(lines("src/ingest/x.rs", text), ["src/ingest/x.rs:2"]);
        assert_eq!(lines("src/domain/x.rs", "macro_rules! m { () => { $crate::cli::x() } }").len(), 1);
    }

    #[test]
    fn climbing_out_of_a_station_is_followed() {
        assert!(lines("src/store/x.rs", "use super::http::X;").is_empty(), "a module of the store");
        assert_eq!(lines("src/store/x.rs", "use super::super::http::X;").len(), 1);
        assert_eq!(lines("src/store/mod.rs", "use super::http::X;").len(), 1);
        assert_eq!(lines("src/telemetry.rs", "\nuse self::super::domain::X;"), ["src/telemetry.rs:2"]);
        assert!(lines("src/store/managed/mod.rs", "use super::super::domain::X;").is_empty());
        assert_eq!(lines("src/store/managed/mod.rs", "use super::super::limit::X;").len(), 1);
        assert_eq!(lines("src/store/mod.rs", "use super::{domain::X, auth::Y};").len(), 1);
        assert_eq!(lines("src/store/x.rs", "use super::{super::auth::Y, tx};").len(), 1);
    }

    #[test]
    fn modules_inside_a_file_count_as_a_level() {
        let text = "mod tests {\n  use super::*;\n  use super::super::domain::X;\n}\nuse super::domain::X;";
        assert_eq!(lines("src/telemetry.rs", text), ["src/telemetry.rs:3", "src/telemetry.rs:5"]);
    }

    #[test]
    fn test_modules_count() {
        let text = "#[cfg(test)]\nmod tests {\n  use crate::http::X;\n}";
        assert_eq!(lines("src/domain/x.rs", text), ["src/domain/x.rs:3"]);
    }

    #[test]
    fn the_whole_root_hides_the_arrow() {
        for text in
            ["use crate::*;", "use crate as all;", "use crate::{self as all};", "use super::super::*;"]
        {
            assert_eq!(lines("src/http/x.rs", text).len(), 1, "{text}");
        }
        assert!(lines("src/main.rs", "use tidegate as all;").is_empty(), "main may use everything");
    }

    #[test]
    fn comments_strings_and_visibility_are_no_arrows() {
        let text = "//! crate::http::x\n/// [`crate::http::x`]\npub(crate) fn f() { g(\"crate::http::x\") } // crate::http";
        assert!(lines("src/domain/x.rs", text).is_empty());
    }

    #[test]
    fn unknown_stations_are_named() {
        assert_eq!(lines("src/cache/x.rs", ""), ["src/cache/x.rs:1"]);
        assert_eq!(lines("src/cache.rs", ""), ["src/cache.rs:1"]);
        assert_eq!(lines("src/http/x.rs", "\nuse crate::cache::X;"), ["src/http/x.rs:2"]);
        assert_eq!(lines("src/main.rs", "use tidegate::{cli, cache::X};"), ["src/main.rs:1"]);
        assert!(lines("src/main.rs", "use tidegate::{cli, telemetry};").is_empty());
    }
}
