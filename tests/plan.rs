//! The house inspector: reads the sources and refuses what the plan of the house forbids.
//!
//! Modules of one crate may form circles without a word from the compiler, and conventions that no machine holds fade.
//! So the rules are tests: `plan/arrows.rs` holds who may use whom, `plan/rules.rs` the rest, and every rule has tests
//! of its own that show it refusing a bad sample. `plan/source.rs` reads Rust far enough to leave comments and strings
//! out. Not seen: paths that live inside a string, such as serde's `with = "…"`.

#[path = "plan/arrows.rs"]
mod arrows;
#[path = "plan/rules.rs"]
mod rules;
#[path = "plan/source.rs"]
mod source;

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// A file of the repository.
struct File {
    /// From the root of the repository, with `/` between the parts.
    path: String,
    /// Empty for files that are neither Rust nor SQL.
    text: String,
}

impl File {
    /// The name without folders and without its last ending.
    fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// Whether the name ends in `.rs`.
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Everything the inspector looks at: `src/` and `migrations/`, sorted by path.
struct House {
    files: Vec<File>,
}

impl House {
    /// Reads the house that this test was built from.
    fn read() -> io::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["src", "migrations"] {
            if root.join(folder).is_dir() {
                collect(root, folder, &mut files)?;
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// The files below `folder`, a path that ends in `/`.
    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.starts_with(folder))
    }

    /// The Rust files below `src/`.
    fn rust(&self) -> impl Iterator<Item = &File> {
        self.below("src/").filter(|file| file.is_rust())
    }

    /// The file at exactly this path.
    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Adds the files below `folder` (a path from `root`) to `files`; hidden ones are skipped.
fn collect(root: &Path, folder: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else {
            let readable = path.ends_with(".rs") || path.ends_with(".sql");
            let text = if readable { fs::read_to_string(entry.path())? } else { String::new() };
            files.push(File { path, text });
        }
    }
    Ok(())
}

/// One place that breaks one rule.
struct Breach {
    path: String,
    line: usize,
    rule: &'static str,
    what: String,
}

impl Breach {
    fn new(file: &File, line: usize, rule: &'static str, what: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, rule, what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}

/// A rule of the house: all the places that break it.
type Rule = fn(&House) -> Vec<Breach>;

/// Fails with one line for each place of this repository that breaks `rule`.
fn inspect(rule: Rule) -> io::Result<()> {
    let breaches: Vec<String> = rule(&House::read()?).iter().map(Breach::to_string).collect();
    assert!(breaches.is_empty(), "the plan of the house is broken:\n{}", breaches.join("\n"));
    Ok(())
}

/// What `rule` says about a house made of `(path, text)`: `path:line` for each breach. For the tests of the rules.
fn refused(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
    let house = House { files: files.iter().map(file).collect() };
    rule(&house).iter().map(|breach| format!("{}:{}", breach.path, breach.line)).collect()
}

#[test]
fn the_inspector_sees_the_house() -> io::Result<()> {
    let house = House::read()?;
    for path in ["src/lib.rs", "src/main.rs", "src/domain/mod.rs", "src/store/mod.rs"] {
        assert!(house.file(path).is_some_and(|file| !file.text.is_empty()), "{path} was not read");
    }
    Ok(())
}

#[test]
fn arrows_point_at_what_is_used() -> io::Result<()> {
    inspect(arrows::check)
}

#[test]
fn no_module_is_a_drawer() -> io::Result<()> {
    inspect(rules::drawers)
}

#[test]
fn every_station_opens_with_its_promise() -> io::Result<()> {
    inspect(rules::openings)
}

#[test]
fn nothing_panics_on_purpose() -> io::Result<()> {
    inspect(rules::panics)
}

#[test]
fn migrations_count_without_gaps() -> io::Result<()> {
    inspect(rules::migrations)
}

#[test]
fn every_statement_names_its_function() -> io::Result<()> {
    inspect(rules::statements)
}

#[test]
fn lib_declares_the_stations_in_flow_order() -> io::Result<()> {
    inspect(rules::declarations)
}
