//! The table of metrics against the metrics themselves, and every other place that names one.

use std::{collections::BTreeSet, fs, path::Path};

use tidegate::telemetry::{Counter, Gauge, Histogram};

use crate::manual;

/// Every metric that is exported, with its kind.
pub fn exported() -> BTreeSet<(String, String)> {
    let entry = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let counters = Counter::ALL.iter().map(|counter| entry(counter.name(), "counter"));
    let gauges = Gauge::ALL.iter().map(|gauge| entry(gauge.name(), "gauge"));
    let histograms = Histogram::ALL.iter().map(|histogram| entry(histogram.name(), "histogram"));
    counters.chain(gauges).chain(histograms).collect()
}

/// The metric behind the name of a series: a histogram's is its name with an ending, any other's its name.
pub fn metric_of(series: &str) -> Option<String> {
    let is = |name: &str, histogram: bool| {
        exported().iter().any(|(known, kind)| known == name && (kind == "histogram") == histogram)
    };
    let stem = ["_bucket", "_sum", "_count"].iter().find_map(|ending| series.strip_suffix(ending));
    match stem {
        Some(stem) if is(stem, true) => Some(stem.to_owned()),
        _ => is(series, false).then(|| series.to_owned()),
    }
}

#[test]
fn the_table_has_every_metric_and_no_other() {
    let table: BTreeSet<_> =
        manual::metrics().into_iter().map(|(name, metric)| (name, metric.kind)).collect();
    let missing: Vec<_> = exported().difference(&table).cloned().collect();
    let extra: Vec<_> = table.difference(&exported()).cloned().collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "docs/operations.md, Metrics: lacks {missing:?}, and has {extra:?}"
    );
}

#[test]
fn whatever_page_names_a_metric_names_one_that_is_there() {
    let mut pages = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    collect(Path::new("docs"), &mut pages);
    assert!(pages.len() > 15, "only {} pages were read", pages.len());
    let mut named = 0;
    for page in pages {
        let text = manual::read(&page);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words.filter(|word| word.starts_with("tidegate_")) {
            let known = metric_of(word).is_some() || exported().iter().any(|(name, _)| name == word);
            // nginx's file has a variable of its own.
            assert!(known || word == "tidegate_target", "{page}: {word} is no metric");
            named += 1;
        }
    }
    assert!(named > 60, "only {named} names were found");
}

/// Adds every file below a folder.
fn collect(folder: &Path, pages: &mut Vec<String>) {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in fs::read_dir(whole).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => collect(&path, pages),
            false => pages.push(path.to_str().unwrap().to_owned()),
        }
    }
}
