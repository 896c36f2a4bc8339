//! The rules of the house beside its arrows: names, openings, panics, migrations, statements, declarations.

use crate::arrows::{place, unknown};
use crate::source::{Token, past_attributes, past_closing, past_visibility, text, tokens};
use crate::{Breach, File, House};

/// Names that say nothing about what is inside, so that anything ends up there.
const DRAWERS: [&str; 9] =
    ["utils", "util", "helpers", "helper", "common", "misc", "manager", "shared", "stuff"];

/// Folders, files and inline modules that are named like a drawer.
pub fn drawers(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in house.below("src/") {
        let folders = file.path.split('/').rev().skip(1);
        for name in folders.chain([file.stem()]).filter(|name| DRAWERS.contains(name)) {
            breaches.push(Breach::new(file, 1, "drawers", drawer(name)));
        }
        let tokens = if file.is_rust() { tokens(&file.text) } else { Vec::new() };
        for pair in tokens.windows(2).filter(|pair| pair[0].text == "mod") {
            let name = pair[1].text.as_str();
            if DRAWERS.contains(&name) {
                breaches.push(Breach::new(file, pair[1].line, "drawers", drawer(name)));
            }
        }
    }
    breaches
}

fn drawer(name: &str) -> String {
    format!("`{name}` is a drawer; name the module after what it does")
}

/// `mod.rs` files that do not open with three lines: what it is, what it promises, what it must not know.
pub fn openings(house: &House) -> Vec<Breach> {
    let opening = |file: &File| {
        let docs = file.text.lines().map_while(|line| line.strip_prefix("//!"));
        docs.filter(|line| !line.trim().is_empty()).count()
    };
    let modules = house.rust().filter(|file| file.path.ends_with("/mod.rs"));
    let silent = modules.filter(|file| opening(file) < 3);
    let what = "opens with fewer than three `//!` lines: what it is, what it promises, what it must not know";
    silent.map(|file| Breach::new(file, 1, "openings", what)).collect()
}

/// `unwrap`, `expect` and `panic!` outside test modules.
pub fn panics(house: &House) -> Vec<Breach> {
    let parsed: Vec<(&File, Vec<Token>)> = house.rust().map(|file| (file, tokens(&file.text))).collect();
    let test_files: Vec<String> =
        parsed.iter().flat_map(|(file, tokens)| test_modules(file, tokens).1).collect();
    let mut breaches = Vec::new();
    for (file, tokens) in &parsed {
        if test_files.iter().any(|prefix| file.path.starts_with(prefix)) {
            continue;
        }
        let (spans, _) = test_modules(file, tokens);
        let outside = |index: &usize| !spans.iter().any(|span| span.contains(index));
        for index in (0..tokens.len()).filter(outside) {
            if let Some(what) = panic_at(tokens, index) {
                let what = format!("`{what}` outside a test module; return an error");
                breaches.push(Breach::new(file, tokens[index].line, "panics", what));
            }
        }
    }
    breaches
}

fn panic_at(tokens: &[Token], index: usize) -> Option<&'static str> {
    let before = if index == 0 { "" } else { text(tokens, index - 1) };
    match (before, text(tokens, index), text(tokens, index + 1)) {
        (".", "unwrap", "(") | ("::", "unwrap", _) => Some("unwrap"),
        (".", "expect", "(") | ("::", "expect", _) => Some("expect"),
        (_, "panic", "!") => Some("panic!"),
        _ => None,
    }
}

/// The token ranges of the test modules written in `file`, and the path prefixes of those that are files of their own.
fn test_modules(file: &File, tokens: &[Token]) -> (Vec<std::ops::Range<usize>>, Vec<String>) {
    let (mut spans, mut files) = (Vec::new(), Vec::new());
    for start in (0..tokens.len()).filter(|index| is_cfg_test(tokens, *index)) {
        let word = past_visibility(tokens, past_attributes(tokens, start));
        match (text(tokens, word), text(tokens, word + 1), text(tokens, word + 2)) {
            ("mod", _, "{") => spans.push(start..past_closing(tokens, word + 2)),
            ("mod", name, ";") => {
                let folder = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
                files.extend([format!("{folder}/{name}.rs"), format!("{folder}/{name}/")]);
            }
            _ => {}
        }
    }
    (spans, files)
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, …))]` stands at `index`.
fn is_cfg_test(tokens: &[Token], index: usize) -> bool {
    let starts = |words: &[&str]| (0..).zip(words).all(|(ahead, word)| text(tokens, index + ahead) == *word);
    starts(&["#", "[", "cfg", "(", "test", ")"]) || starts(&["#", "[", "cfg", "(", "all", "(", "test", ","])
}

/// Migrations that are not named `V<number>__<name>.sql`, with the numbers 1, 2, 3 … each used once.
pub fn migrations(house: &House) -> Vec<Breach> {
    let (mut breaches, mut numbered) = (Vec::new(), Vec::new());
    for file in house.below("migrations/") {
        match migration_number(file) {
            Some(number) => numbered.push((number, file)),
            None => {
                let what = "is not named `V<number>__<name>.sql`, in lower case and without leading zeros";
                breaches.push(Breach::new(file, 1, "migrations", what));
            }
        }
    }
    numbered.sort_by_key(|(number, _)| *number);
    for (expected, (number, file)) in (1..).zip(numbered) {
        if number != expected {
            let what = format!("has the number {number} where {expected} is due");
            breaches.push(Breach::new(file, 1, "migrations", what));
        }
    }
    breaches
}

fn migration_number(file: &File) -> Option<u32> {
    let name = file.path.strip_prefix("migrations/V")?.strip_suffix(".sql")?;
    let (digits, words) = name.split_once("__")?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits && is_snake(words)).then_some(number)
}

fn is_snake(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Statements that do not say in their first line which function of the store owns them, or name one that is not there.
pub fn statements(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in house.below("src/store/sql/") {
        let what = if !file.path.ends_with(".sql") || !is_snake(file.stem()) {
            Some("is not named `<statement>.sql`, in snake case".to_owned())
        } else {
            owner(house, file).err()
        };
        breaches.extend(what.map(|what| Breach::new(file, 1, "statements", what)));
    }
    breaches
}

/// Whether the function that the first line names is there. The file is named from `src/store/`, with or without `.rs`.
fn owner(house: &House, file: &File) -> Result<(), String> {
    let form = || "does not open with `-- <file of the store>.rs::<function>: what it does`".to_owned();
    let line = file.text.lines().next().and_then(|line| line.strip_prefix("-- ")).ok_or_else(form)?;
    let (owner, what) = line.split_once(": ").filter(|(_, what)| !what.trim().is_empty()).ok_or_else(form)?;
    let (path, function) = owner.rsplit_once("::").filter(|(_, name)| is_snake(name)).ok_or_else(form)?;
    let path = path.trim_start_matches("store/").trim_end_matches(".rs").replace("::", "/");
    let candidates = [format!("src/store/{path}.rs"), format!("src/store/{path}/mod.rs")];
    let source = candidates.iter().find_map(|path| house.file(path));
    let source = source.ok_or_else(|| format!("names `{path}`, which is no file of the store ({what})"))?;
    let is_owner = |pair: &[Token]| pair[0].text == "fn" && pair[1].text == function;
    if tokens(&source.text).windows(2).any(is_owner) {
        return Ok(());
    }
    Err(format!("names `{function}`, which is no function of {}", source.path))
}

/// Anything in `lib.rs` beside `mod` items, and stations that are declared out of flow order.
pub fn declarations(house: &House) -> Vec<Breach> {
    let Some(file) = house.file("src/lib.rs") else { return Vec::new() };
    let tokens = tokens(&file.text);
    let (mut breaches, mut last, mut index) = (Vec::new(), None, past_attributes(&tokens, 0));
    while index < tokens.len() {
        let line = tokens[index].line;
        let word = past_visibility(&tokens, index);
        let name = text(&tokens, word + 1);
        let what = if text(&tokens, word) != "mod" || text(&tokens, word + 2) != ";" {
            Some("lib.rs only declares the stations, as `mod name;`".to_owned())
        } else {
            let before = last;
            last = place(name).filter(|_| name != "main").or(last);
            match place(name) {
                None => Some(unknown(name)),
                Some(_) if name == "main" => {
                    Some("`main` is the binary, not a module of the library".to_owned())
                }
                here if here <= before => Some(format!("`{name}` is declared out of flow order")),
                Some(_) => None,
            }
        };
        breaches.extend(what.map(|what| Breach::new(file, line, "declarations", what)));
        index = past_attributes(&tokens, past_item(&tokens, word));
    }
    breaches
}

/// The index just past the item at `index`: past its `;`, or past its `{…}` and a `;` after that.
fn past_item(tokens: &[Token], mut index: usize) -> usize {
    while index < tokens.len() {
        match text(tokens, index) {
            ";" => return index + 1,
            "{" => {
                let end = past_closing(tokens, index);
                return if text(tokens, end) == ";" { end + 1 } else { end };
            }
            "(" | "[" => index = past_closing(tokens, index),
            _ => index += 1,
        }
    }
    index
}

#[cfg(test)]
mod tests {
    use super::{declarations, drawers, migrations, openings, panics, statements};
    use crate::refused;

    #[test]
    fn drawers_are_refused_as_folder_file_and_module() {
        for path in
            ["src/http/utils.rs", "src/http/common/x.rs", "src/http/shared/mod.rs", "src/store/stuff/a.txt"]
        {
            assert_eq!(refused(drawers, &[(path, "")]), [format!("{path}:1")]);
        }
        let inline = "//! about utils and mod helpers\nfn manager() {}\nmod misc {}\nmod helper;";
        assert_eq!(refused(drawers, &[("src/http/x.rs", inline)]), ["src/http/x.rs:3", "src/http/x.rs:4"]);
        assert!(refused(drawers, &[("src/limit/shared_budget.rs", "mod plans;")]).is_empty());
    }

    #[test]
    fn openings_need_three_lines_of_text() {
        let opens = |text: &str| refused(openings, &[("src/auth/mod.rs", text)]).is_empty();
        assert!(opens("//! Is.\n//!\n//! Promises.\n//! Must not know.\n\npub mod key;\n"));
        assert!(!opens(""));
        assert!(!opens("//! Is.\n//!\n//! Promises.\n//!\n"));
        assert!(!opens("//! Is.\n\n//! Promises.\n//! Must not know.\n"));
        assert!(!opens("\n//! Is.\n//! Promises.\n//! Must not know.\n"));
        assert!(refused(openings, &[("src/auth/key.rs", "")]).is_empty(), "only mod.rs is held to it");
    }

    #[test]
    fn panics_are_refused_outside_test_modules() {
        let bad =
            "fn f() {\n a.unwrap();\n a\n  .expect(\"x\");\n panic!(\"no\");\n b.map(Result::unwrap);\n}";
        let found = refused(panics, &[("src/auth/x.rs", bad)]);
        assert_eq!(found, ["src/auth/x.rs:2", "src/auth/x.rs:4", "src/auth/x.rs:5", "src/auth/x.rs:6"]);
        let good = "/// `a.unwrap()`\n#[expect(dead_code)]\nfn f() { a.unwrap_or(1); std::panic::catch_unwind(g); \"panic!()\"; }";
        assert!(refused(panics, &[("src/auth/x.rs", good)]).is_empty());
    }

    #[test]
    fn test_modules_may_panic_and_what_follows_them_may_not() {
        let text = "#[cfg(test)]\n#[allow(x)]\npub(crate) mod tests {\n fn f() { a.unwrap(); }\n}\nfn g() { a.unwrap(); }";
        assert_eq!(refused(panics, &[("src/auth/x.rs", text)]), ["src/auth/x.rs:6"]);
        let all = "#[cfg(all(test, unix))]\nmod tests { fn f() { panic!() } }";
        assert!(refused(panics, &[("src/auth/x.rs", all)]).is_empty());
        for also_built in ["#[cfg(not(test))]", "#[cfg(any(test, unix))]", "#[cfg(unix)]"] {
            let text = format!("{also_built}\nmod tests {{ fn f() {{ panic!() }} }}");
            assert_eq!(refused(panics, &[("src/auth/x.rs", &text)]), ["src/auth/x.rs:2"]);
        }
    }

    #[test]
    fn test_modules_may_be_files() {
        let body = "fn f() { a.unwrap(); }";
        let declared = [("src/auth/x.rs", "#[cfg(test)]\nmod tests;"), ("src/auth/x/tests.rs", body)];
        assert!(refused(panics, &declared).is_empty());
        let folder = [("src/auth/mod.rs", "#[cfg(test)]\nmod tests;"), ("src/auth/tests/one.rs", body)];
        assert!(refused(panics, &folder).is_empty());
        let plain = [("src/auth/x.rs", "mod tests;"), ("src/auth/x/tests.rs", body)];
        assert_eq!(refused(panics, &plain), ["src/auth/x/tests.rs:1"]);
    }

    #[test]
    fn migrations_are_named_and_numbered() {
        let good =
            [("migrations/V1__a.sql", ""), ("migrations/V10__j.sql", ""), ("migrations/V2__b_2.sql", "")];
        assert_eq!(refused(migrations, &good), ["migrations/V10__j.sql:1"]);
        assert!(refused(migrations, &[good[0], good[2]]).is_empty());
        let twice = [("migrations/V1__a.sql", ""), ("migrations/V1__b.sql", "")];
        assert_eq!(refused(migrations, &twice), ["migrations/V1__b.sql:1"]);
        for name in ["V1_a.sql", "v1__a.sql", "V01__a.sql", "V1__A.sql", "V1__.sql", "U1__a.sql", "V1__a.txt"]
        {
            let path = format!("migrations/{name}");
            assert_eq!(refused(migrations, &[(&path, "")]), [format!("{path}:1")]);
        }
        assert_eq!(refused(migrations, &[("migrations/V2__a.sql", "")]), ["migrations/V2__a.sql:1"]);
    }

    #[test]
    fn statements_name_a_function_that_is_there() {
        let source = ("src/store/event.rs", "pub async fn append() {}");
        let nested = ("src/store/read/mod.rs", "fn page() {}");
        let opens =
            |line: &str| refused(statements, &[source, nested, ("src/store/sql/x.sql", line)]).is_empty();
        assert!(opens("-- event.rs::append: writes the rows of a lot\nSELECT 1"));
        assert!(opens("-- store/event.rs::append: writes the rows of a lot"));
        assert!(opens("-- event::append: writes the rows of a lot"));
        assert!(opens("-- read::page: one page of lots"));
        for line in [
            "",
            "SELECT 1",
            "-- writes: rows",
            "--event.rs::append: rows",
            "-- event.rs::append",
            "-- event.rs::append: ",
        ] {
            assert!(!opens(line), "{line}");
        }
        assert!(!opens("-- event.rs::remove: there is no such function"));
        assert!(!opens("-- contact.rs::append: there is no such file"));
        assert!(
            !refused(statements, &[source, ("src/store/sql/X.sql", "-- event.rs::append: x")]).is_empty()
        );
    }

    #[test]
    fn lib_declares_in_flow_order_and_nothing_else() {
        let found = |text: &str| refused(declarations, &[("src/lib.rs", text)]);
        let good = "//! Doc.\n#![warn(x)]\npub mod telemetry;\n\n#[doc(hidden)]\npub(crate) mod cli;";
        assert!(found(good).is_empty());
        assert_eq!(found("pub mod store;\npub mod domain;\npub mod auth;"), ["src/lib.rs:2"]);
        assert_eq!(found("pub mod store;\npub mod store;"), ["src/lib.rs:2"]);
        assert_eq!(found("pub mod cache;\nmod main;"), ["src/lib.rs:1", "src/lib.rs:2"]);
        let more = "pub mod domain;\nuse domain::{a, b};\nfn f(x: [u8; 2]) {}\npub mod store;";
        assert_eq!(found(more), ["src/lib.rs:2", "src/lib.rs:3"]);
        assert_eq!(found("pub mod domain {}"), ["src/lib.rs:1"]);
    }
}
