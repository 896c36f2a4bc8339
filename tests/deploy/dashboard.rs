//! The dashboard: it shows every metric that is exported and no other, each with its unit.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{expressions::Uses, manual, metrics::exported};

fn dashboard() -> Value {
    serde_json::from_str(&manual::read("docs/deploy/grafana.json")).unwrap()
}

/// The panels that are no rows.
fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect()
}

/// The expressions of a panel, with their legends.
fn targets(panel: &Value) -> Vec<(&str, &str)> {
    let targets = panel["targets"].as_array().unwrap();
    targets.iter().map(|t| (t["expr"].as_str().unwrap(), t["legendFormat"].as_str().unwrap())).collect()
}

#[test]
fn every_metric_is_shown_and_no_other() {
    let dashboard = dashboard();
    let mut shown = BTreeSet::new();
    for panel in panels(&dashboard) {
        for (expression, _) in targets(panel) {
            let uses = Uses::of(expression);
            uses.check(panel["title"].as_str().unwrap());
            shown.extend(uses.metrics());
        }
    }
    let exported: BTreeSet<String> = exported().into_iter().map(|(name, _)| name).collect();
    assert_eq!(shown, exported);
}

#[test]
fn every_panel_says_what_it_shows() {
    let dashboard = dashboard();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        for (what, text) in [
            ("title", title),
            ("description", panel["description"].as_str().unwrap()),
            ("unit", panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap()),
        ] {
            assert!(!text.is_empty(), "{title} has no {what}");
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        for (expression, legend) in targets(panel) {
            let uses = Uses::of(expression);
            for (name, matchers) in &uses.series {
                for (label, value) in [("job", "$job"), ("instance", "$instance")] {
                    let chosen = (label.to_owned(), value.to_owned());
                    assert!(matchers.contains(&chosen), "{title}: {name} of all, not of the chosen {label}");
                }
            }
            for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
                assert!(uses.labels().contains(label), "{title}: no label {label} is left");
            }
        }
    }
}

#[test]
fn it_can_be_imported() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 41);
    assert_eq!((&dashboard["id"], &dashboard["uid"]), (&Value::Null, &"tidegate".into()));
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
    assert_eq!((&variables[0]["type"], &variables[0]["query"]), (&"datasource".into(), &"prometheus".into()));

    let (mut ids, mut taken, mut rows) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title} has the number of another panel");
        let place = |member: &str| panel["gridPos"][member].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{title} is too wide");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{title} lies upon another panel");
            }
        }
        if panel["type"] == "row" {
            rows.push(title.to_lowercase());
        }
    }
    let told = format!("Rows: {}.", rows.join(", "));
    let page = manual::read("docs/operations.md");
    assert!(manual::section(&page, "## Dashboard").contains(&told), "docs/operations.md lacks {told:?}");
}
