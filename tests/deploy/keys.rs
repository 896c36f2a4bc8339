//! The page about keys: its tables are those that the code makes, its patterns find keys and nothing else, its commands are there.

use clap::CommandFactory;
use tidegate::{
    auth::{
        scope::{Role, Scope, ScopeSet},
        text::{KeyText, Kind, parse},
    },
    cli::Cli,
    domain::clock::SystemEntropy,
    http::{
        action::Action,
        routes::{DOORS, ROUTES},
    },
};

use crate::manual;

const PAGE: &str = "docs/keys.md";

/// A table of the page, from its head and its rows.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rule = vec!["---"; head.len()].join("|");
    let rows: String = rows.map(|row| format!("| {} |\n", row.join(" | "))).collect();
    format!("| {} |\n|{rule}|\n{rows}", head.join(" | "))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Compares the only table of a section.
#[track_caller]
fn compare(heading: &str, wanted: &str) {
    let page = manual::read(PAGE);
    let lines = manual::section(&page, heading).lines().filter(|line| line.starts_with('|'));
    let there: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(there == wanted, "the table of {PAGE}, {heading:?}, is to be:\n\n{wanted}\n");
}

#[test]
fn the_kinds_are_those_of_the_code() {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let rows = Kind::ALL.into_iter().map(|kind| {
        let text = format!("`{}` + {}", kind.prefix(), kind.tail());
        let shown = if kind.shown_once() { "once" } else { "at any time" };
        let ended = if kind.shown_once() { "rotating" } else { "regenerating" };
        let renamed = yes(kind.renamable());
        vec![
            code(kind.name()),
            text,
            yes(kind.raw()),
            yes(kind.in_query()),
            shown.into(),
            renamed,
            ended.into(),
        ]
    });
    let head = ["kind", "text", "without `Bearer`", "`?api_key=`", "text is shown", "renamed", "replaced by"];
    compare("## Kinds", &table(&head, rows));
}

#[test]
fn the_scopes_are_those_of_the_code() {
    let roles = Role::ALL.map(|role| (role.name(), role.scopes()));
    let kinds = Kind::ALL.into_iter().filter_map(|kind| Some((kind.name(), kind.fixed_scopes()?)));
    let holders: Vec<(&str, ScopeSet)> = roles.into_iter().chain(kinds).collect();
    let names: Vec<String> = holders.iter().map(|(name, _)| code(name)).collect();
    let head: Vec<&str> =
        ["scope", "allows to"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let rows = Scope::ALL.iter().map(|scope| {
        let marks = holders.iter().map(|(_, set)| if set.contains(*scope) { "●" } else { "" }.to_owned());
        let allows = scope.allows().trim_end_matches('.');
        let (first, rest) = allows.split_at(1);
        [code(scope.name()), format!("{}{rest}", first.to_lowercase())].into_iter().chain(marks).collect()
    });
    compare("## Scopes and roles", &table(&head, rows));
}

#[test]
fn the_routes_are_those_of_the_code() {
    let rows = ROUTES.iter().map(|route| {
        let scope = route.scope.map_or("any key".to_owned(), |scope| code(scope.name()));
        vec![route.method.to_owned(), code(route.path), scope]
    });
    compare("## Which route takes which scope", &table(&["method", "path", "scope"], rows));
}

#[test]
fn the_doors_are_those_of_the_code() {
    let rows = DOORS.iter().map(|route| {
        let Action::AtDoor(door, _) = route.action else { panic!("{} is no door", route.path) };
        let kinds = Kind::ALL.into_iter().filter(|kind| door.takes(*kind)).map(|kind| code(kind.name()));
        let scope = route.scope.map_or("any key".to_owned(), |scope| code(scope.name()));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        vec![route.method.to_owned(), code(route.path), kinds, scope]
    });
    compare("## Which kinds open which door", &table(&["method", "path", "kinds", "scope"], rows));
}

/// A pattern of the page: what it begins with, and how many characters follow.
fn read_pattern(pattern: &str) -> (&str, usize) {
    let parts = pattern.strip_prefix(r"\b").and_then(|rest| rest.split_once("[0-9A-Za-z]{"));
    let (prefix, rest) = parts.unwrap_or_else(|| panic!("not in the form that this test reads: {pattern}"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    assert!(prefix.chars().all(plain), "not in the form that this test reads: {pattern}");
    (prefix, rest.strip_suffix(r"}\b").unwrap().parse().unwrap())
}

/// What a pattern matches in a text.
fn matches<'a>(pattern: &str, text: &'a str) -> Vec<&'a str> {
    let (prefix, tail) = read_pattern(pattern);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let at = text.match_indices(prefix).map(|(at, _)| at);
    let at = at.filter(|at| !text[..*at].ends_with(word));
    let whole = at.filter_map(|at| text.get(at..at + prefix.len() + tail).map(|found| (at, found)));
    let whole = whole.filter(|(at, found)| !text[at + found.len()..].starts_with(word));
    let fits = |found: &&str| found[prefix.len()..].bytes().all(|byte| byte.is_ascii_alphanumeric());
    whole.map(|(_, found)| found).filter(fits).collect()
}

#[test]
fn the_patterns_for_scanners_find_every_key_and_no_other_kind() {
    let wanted = Kind::ALL.into_iter().map(|kind| {
        vec![code(kind.name()), code(&format!(r"\b{}[0-9A-Za-z]{{{}}}\b", kind.prefix(), kind.tail()))]
    });
    compare("## For secret scanners", &table(&["kind", "regular expression"], wanted));
    let page = manual::read(PAGE);
    let section = manual::section(&page, "## For secret scanners");
    let patterns: Vec<String> =
        manual::rows(section).iter().map(|row| manual::quoted(row[1]).remove(0)).collect();
    for _ in 0..200 {
        for (kind, own) in Kind::ALL.into_iter().zip(&patterns) {
            let key = KeyText::mint(kind, &SystemEntropy).unwrap();
            let key = key.reveal();
            for text in [key.to_owned(), format!("KEY=\"{key}\"\n"), format!("https://x/?api_key={key}&a=1")]
            {
                assert_eq!(matches(own, &text), [key], "{own}");
                for other in patterns.iter().filter(|other| *other != own) {
                    assert!(matches(other, &text).is_empty(), "{other} takes a key of kind {}", kind.name());
                }
            }
            for noise in [format!("{key}x"), format!("x{key}"), key[..key.len() - 1].to_owned()] {
                assert!(matches(own, &noise).is_empty(), "{own} takes {noise}");
            }
        }
    }
}

#[test]
fn the_example_of_the_checksum_is_what_the_page_says() {
    let page = manual::read(PAGE);
    let mut lines = manual::section(&page, "## Text").lines();
    let mut seen = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(key) = line.strip_prefix("$ python3 check.py ") {
            let said = lines.next().unwrap();
            assert_eq!(said == "well-formed", parse(key).is_some(), "{key}: {said}");
            seen.push(said);
        }
    }
    assert_eq!(seen, ["well-formed", "not a key"]);
}

/// The commands of the page: whole lines of blocks, and what stands between backticks.
fn commands(page: &str) -> Vec<String> {
    let lines = page.lines().filter_map(|line| line.trim_start().strip_prefix("$ "));
    let lines = lines.map(|line| line.split(" | ").next().unwrap().to_owned());
    let inline = page.lines().filter(|line| !line.trim_start().starts_with("```")).flat_map(manual::quoted);
    lines.chain(inline).filter(|text| text.starts_with("tidegate ")).collect()
}

#[test]
fn the_commands_of_the_page_are_there() {
    let page = manual::read(PAGE);
    let commands = commands(&page);
    assert!(commands.len() > 15, "only {commands:?}");
    for command in commands {
        let filled = command.replace("<id>", "5b0f4a3e-6d1c-4f0e-9a52-c1d1a4a3a0b7");
        let mut words = Vec::new();
        for (at, part) in filled.split('"').enumerate() {
            match at % 2 {
                0 => words.extend(part.split_whitespace()),
                _ => words.push(part),
            }
        }
        let read = Cli::command().try_get_matches_from(words);
        // A command that is named without its options is complete in its name.
        let named = !command.contains("--") && !command.contains("<id>");
        let missing = read
            .as_ref()
            .err()
            .is_some_and(|error| error.kind() == clap::error::ErrorKind::MissingRequiredArgument);
        assert!(read.is_ok() || named && missing, "{command}: {}", read.unwrap_err());
    }
}
