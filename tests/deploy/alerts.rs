//! The rules for alerts: each uses what is exported, has its paragraph in the manual and its test.

use std::collections::{BTreeMap, BTreeSet};

use crate::{expressions::Uses, manual};

/// Members of a rule, by their names, those of `labels` and `annotations` among them.
type Rule = BTreeMap<String, String>;

/// The rules of the file. promtool holds the file itself against the language; here it has one shape.
fn rules() -> Vec<Rule> {
    let text = manual::read("docs/deploy/alerts.yml");
    let (mut rules, mut open): (Vec<Rule>, String) = (Vec::new(), String::new());
    let body = text.split_once("    rules:\n").unwrap().1;
    for line in body.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(name) = line.strip_prefix("      - alert: ") {
            rules.push(Rule::from([("alert".to_owned(), name.to_owned())]));
            continue;
        }
        let rule = rules.last_mut().unwrap();
        let member =
            line.trim().split_once(": ").filter(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase()));
        match member {
            Some((name, value)) => {
                name.clone_into(&mut open);
                let value = if value == ">-" { "" } else { value.trim_matches('"') };
                assert!(rule.insert(open.clone(), value.to_owned()).is_none(), "{open} twice in {rule:?}");
            }
            None if ["labels:", "annotations:"].contains(&line.trim()) => open.clear(),
            None => {
                let value = rule.get_mut(&open).unwrap_or_else(|| panic!("what is {line:?}?"));
                value.push(' ');
                value.push_str(line.trim());
            }
        }
    }
    rules
}

#[test]
fn every_alert_is_whole() {
    let rules = rules();
    assert!(rules.len() > 10, "{rules:?}");
    for rule in &rules {
        let name = &rule["alert"];
        for member in ["expr", "severity", "summary", "description", "runbook"] {
            assert!(rule.get(member).is_some_and(|value| !value.is_empty()), "{name} has no {member}");
        }
        assert!(["critical", "warning", "info"].contains(&rule["severity"].as_str()), "{name}");
    }
    let names: BTreeSet<&String> = rules.iter().map(|rule| &rule["alert"]).collect();
    assert_eq!(names.len(), rules.len(), "two alerts have one name");
}

#[test]
fn alerts_use_what_is_exported() {
    for rule in rules() {
        let name = &rule["alert"];
        let uses = Uses::of(&rule["expr"]);
        uses.check(name);
        for text in ["summary", "description"].map(|member| &rule[member]) {
            for label in text.split("$labels.").skip(1) {
                let label = label.split(' ').next().unwrap();
                assert!(uses.labels().contains(label), "{name}: no label {label} is left");
            }
        }
    }
}

#[test]
fn the_table_of_metrics_names_the_alerts_that_use_each() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for rule in rules() {
        for metric in Uses::of(&rule["expr"]).metrics() {
            used.entry(metric).or_default().insert(rule["alert"].clone());
        }
    }
    for (name, metric) in manual::metrics() {
        let told: BTreeSet<String> = metric.alerts.into_iter().collect();
        assert_eq!(told, used.remove(&name).unwrap_or_default(), "docs/operations.md, Metrics: {name}");
    }
}

#[test]
fn every_alert_has_a_paragraph_and_every_paragraph_an_alert() {
    let page = manual::read("docs/operations.md");
    let chapter = manual::section(&page, "## Alerts");
    let paragraphs: BTreeSet<&str> = chapter.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let rules = rules();
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule["alert"].as_str()).collect();
    assert_eq!(paragraphs, names);
    for rule in &rules {
        let name = &rule["alert"];
        assert_eq!(rule["runbook"], format!("docs/operations.md#{}", name.to_lowercase()));
        assert!(manual::section(&page, &format!("### {name}")).len() > 80, "{name}: says nothing");
    }
}

#[test]
fn every_alert_has_a_test_in_which_it_fires() {
    let tests = manual::read("docs/deploy/alerts.test.yml");
    for rule in rules() {
        let (name, severity) = (&rule["alert"], &rule["severity"]);
        let as_series =
            format!("ALERTS{{alertname=\"{name}\", alertstate=\"firing\", severity=\"{severity}\"");
        let as_alert = tests.split("- alertname: ").skip(1).any(|test| {
            test.starts_with(&format!("{name}\n"))
                && test.contains(&format!("exp_labels: {{ severity: {severity},"))
        });
        assert!(as_alert || tests.contains(&as_series), "{name} has no test in which it fires");
    }
}

#[test]
fn links_of_the_manual_lead_somewhere() {
    let page = manual::read("docs/operations.md");
    let anchors = manual::anchors(&page);
    for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if link.starts_with("http") {
            continue;
        }
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let there = match path {
            "" => anchors.clone(),
            path => manual::anchors(&manual::read(&format!("docs/{path}"))),
        };
        assert!(anchor.is_empty() || there.iter().any(|known| known == anchor), "{link} leads nowhere");
    }
}
