//! Reads expressions of Prometheus far enough to see which metrics, labels and values they use. Whether they are sound is
//! promtool's to say.

use std::collections::BTreeSet;

use crate::{manual, metrics::metric_of};

/// Labels that Prometheus itself puts on everything that it scrapes.
const SCRAPED: [&str; 2] = ["job", "instance"];

/// What stands in front of a list of labels.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 4] = ["and", "or", "unless", "bool"];

/// What an expression uses.
#[derive(Debug, Default)]
pub struct Uses {
    /// Series by name, each with its matchers: label and value.
    pub series: Vec<(String, Vec<(String, String)>)>,
    /// Labels by which is grouped.
    pub groups: Vec<String>,
}

impl Uses {
    /// Reads an expression.
    pub fn of(expression: &str) -> Self {
        let tokens = tokens(expression);
        let at = |index: usize| tokens.get(index).map_or("", String::as_str);
        let (mut uses, mut index) = (Self::default(), 0);
        while index < tokens.len() {
            let word = at(index);
            index += 1;
            if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || WORDS.contains(&word) {
                continue;
            }
            let closing = |close: &str| (index..tokens.len()).find(|end| at(*end) == close).unwrap();
            match at(index) {
                "(" if LISTS.contains(&word) => {
                    let end = closing(")");
                    let labels = tokens[index + 1..end].iter().filter(|token| *token != ",");
                    uses.groups.extend(labels.cloned());
                    index = end + 1;
                }
                // A function, or an aggregation such as `sum by (…)`.
                "(" => {}
                next if LISTS.contains(&next) => {}
                "{" => {
                    let end = closing("}");
                    let matchers = tokens[index + 1..end].split(|token| token == ",");
                    let matchers =
                        matchers.map(|part| (part[0].clone(), part[2].trim_matches('"').to_owned()));
                    uses.series.push((word.to_owned(), matchers.collect()));
                    index = end + 1;
                }
                _ => uses.series.push((word.to_owned(), Vec::new())),
            }
        }
        uses
    }

    /// The metrics behind the series; `up` is Prometheus's own.
    pub fn metrics(&self) -> BTreeSet<String> {
        let series = self.series.iter().filter(|(name, _)| name != "up");
        series.map(|(name, _)| metric_of(name).unwrap_or_else(|| panic!("{name} is no metric"))).collect()
    }

    /// Labels that what it yields may have.
    pub fn labels(&self) -> BTreeSet<String> {
        if !self.groups.is_empty() {
            return self.groups.iter().cloned().collect();
        }
        let known = manual::metrics();
        let labels = self.metrics().into_iter().flat_map(|name| known[&name].labels.clone());
        labels.chain(SCRAPED.map(str::to_owned)).collect()
    }

    /// Fails where it uses a metric, a label or a value that is not there.
    #[track_caller]
    pub fn check(&self, place: &str) {
        let (known, values) = (manual::metrics(), manual::values());
        assert!(!self.series.is_empty(), "{place}: uses nothing");
        let mut all: BTreeSet<&str> = SCRAPED.into();
        for (name, matchers) in &self.series {
            let metric = (name != "up")
                .then(|| metric_of(name).unwrap_or_else(|| panic!("{place}: {name} is no series")));
            let mut labels: BTreeSet<&str> = SCRAPED.into();
            labels.extend(metric.iter().flat_map(|metric| &known[metric].labels).map(String::as_str));
            labels.extend(name.ends_with("_bucket").then_some("le"));
            for (label, value) in matchers {
                assert!(labels.contains(label.as_str()), "{place}: {name} has no label {label}");
                let allowed = values.get(label);
                for value in value.split('|').filter(|_| allowed.is_some()) {
                    assert!(
                        allowed.unwrap().iter().any(|known| known == value),
                        "{place}: {label} is never {value}"
                    );
                }
            }
            all.extend(labels);
        }
        for label in &self.groups {
            assert!(all.contains(label.as_str()), "{place}: nothing has the label {label}");
        }
    }
}

/// Words, strings with their quotes, operators of a matcher, and single signs; ranges in brackets are left out.
fn tokens(text: &str) -> Vec<String> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => rest[1..].find('"').unwrap() + 2,
            '[' => rest.find(']').unwrap() + 1,
            '=' | '!' if rest[1..].starts_with(['=', '~']) => 2,
            c if c.is_ascii_alphanumeric() || c == '_' => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        if first != '[' {
            tokens.push(rest[..length].to_owned());
        }
        rest = rest[length..].trim_start();
    }
    tokens
}

#[test]
fn expressions_are_read() {
    let uses = Uses::of(
        r#"sum by (job, kind) (rate(tidegate_items_total{fate=~"invalid|conflict", job="$job"}[5m])) / tidegate_lanes > 0.5 and up == 1"#,
    );
    let series: Vec<&str> = uses.series.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(series, ["tidegate_items_total", "tidegate_lanes", "up"]);
    let matchers = &uses.series[0].1;
    assert_eq!(matchers[0], ("fate".to_owned(), "invalid|conflict".to_owned()));
    assert_eq!(matchers[1], ("job".to_owned(), "$job".to_owned()));
    assert_eq!(uses.groups, ["job", "kind"]);
    assert_eq!(uses.metrics().len(), 2);
}

#[test]
fn what_is_not_there_is_found() {
    for (expression, what) in [
        ("tidegate_nothing", "is no series"),
        ("tidegate_commit_duration_seconds", "is no series"),
        ("tidegate_lanes_bucket", "is no series"),
        (r#"tidegate_lanes{kind="event"}"#, "has no label"),
        (r#"tidegate_items_total{fate="refuse"}"#, "is never"),
        ("sum by (route) (tidegate_lanes)", "nothing has the label"),
    ] {
        let found = std::panic::catch_unwind(|| Uses::of(expression).check("here")).unwrap_err();
        let said = found.downcast_ref::<String>().unwrap();
        assert!(said.contains(what), "{expression}: {said}");
    }
}
