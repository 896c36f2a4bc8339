//! Reads docs/operations.md: its sections, its tables, and what it says about metrics.

use std::{collections::BTreeMap, fs, path::Path};

/// A file of the repository.
#[track_caller]
pub fn read(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands below a heading such as `## Metrics`, up to the next heading of its level or above.
#[track_caller]
pub fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("there is no {heading:?}"));
    let rest = &page[start + heading.len() + 2..];
    let level = heading.split(' ').next().unwrap().len();
    let ends = (1..=level).filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// The anchors that headings make.
pub fn anchors(page: &str) -> Vec<String> {
    let titles = page.lines().filter(|line| line.starts_with('#'));
    let titles = titles.map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"));
    titles.map(|title| title.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()).collect()
}

/// The rows of the tables in a text, cell by cell, without their heads.
pub fn rows(text: &str) -> Vec<Vec<&str>> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else { continue };
        if cells.starts_with("---") {
            rows.pop();
        } else {
            rows.push(cells.split('|').map(str::trim).collect());
        }
    }
    rows
}

/// The words between backticks.
pub fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A metric as the page describes it.
#[derive(Debug, Clone)]
pub struct Metric {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    pub labels: Vec<String>,
    /// Names of alerts that use it.
    pub alerts: Vec<String>,
}

/// Every metric of the page, by name.
pub fn metrics() -> BTreeMap<String, Metric> {
    let page = read("docs/operations.md");
    let mut metrics = BTreeMap::new();
    for row in rows(section(&page, "## Metrics")) {
        let alerts = row[4].split('[').skip(1).filter_map(|link| link.split(']').next());
        let metric = Metric {
            kind: row[1].to_owned(),
            labels: quoted(row[2]),
            alerts: alerts.map(str::to_owned).collect(),
        };
        let name = quoted(row[0]).remove(0);
        assert!(metrics.insert(name.clone(), metric).is_none(), "{name} is there twice");
    }
    metrics
}

/// The values of the labels that have a closed set of them.
pub fn values() -> BTreeMap<String, Vec<String>> {
    let page = read("docs/operations.md");
    let text = section(&page, "## Metrics");
    let of = |label: &str| {
        let (_, rest) = text.split_once(&format!("`{label}` is ")).unwrap();
        let sentence = rest.split(['.', '?']).next().unwrap();
        (label.to_owned(), quoted(sentence))
    };
    ["kind", "fate", "outcome"].into_iter().map(of).collect()
}
