//! `…/stream/specs`: the members of the catalogues and their types.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Inlet, TestHouse, house};

const TYPES: [&str; 14] = [
    "string", "text", "int", "decimal", "bool", "date", "datetime", "email", "phone", "country", "language",
    "currency", "url", "payload",
];

async fn specs(house: &TestHouse, inlet: &Inlet, rest: &str) -> Vec<Value> {
    let reply = house.get(&inlet.token, &inlet.path(&format!("/stream/specs/{rest}"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let mut answer = reply.json();
    assert_eq!(answer.as_object().unwrap().len(), 1);
    serde_json::from_value(answer["specs"].take()).unwrap()
}

/// Each spec has exactly these members: texts, and truths.
fn check(spec: &Value, texts: &[&str], truths: &[&str], others: &[&str]) {
    let members: BTreeSet<&str> = spec.as_object().unwrap().keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = texts.iter().chain(truths).chain(others).copied().collect();
    assert_eq!(members, expected);
    assert!(texts.iter().all(|name| spec[name].is_string()), "{spec}");
    assert!(truths.iter().all(|name| spec[name].is_boolean()), "{spec}");
    if let Some(kind) = spec.get("dataType") {
        assert!(TYPES.contains(&kind.as_str().unwrap()), "{kind}");
    }
}

#[tokio::test]
async fn attributes_have_exactly_their_members() {
    let (_database, house, inlet) = house().await;
    let found = specs(&house, &inlet, "attributes").await;
    assert!(found.len() >= 25, "{}", found.len());
    for spec in &found {
        let truths = ["multivalue", "requiredInWebhook", "readOnly", "important", "visible", "custom"];
        check(spec, &["uid", "displayLabel", "description", "dataType"], &truths, &[]);
        assert!(spec["uid"].as_str().unwrap().starts_with('_') || spec["custom"] == true, "{spec}");
    }
    let uids: BTreeSet<&str> = found.iter().map(|spec| spec["uid"].as_str().unwrap()).collect();
    assert_eq!(uids.len(), found.len(), "each uid once");
    for uid in ["_user_id", "_email", "_phone_mobile"] {
        assert!(uids.contains(uid), "{uid}");
    }
    house.stop().await;
}

#[tokio::test]
async fn events_have_exactly_their_members_and_each_has_parameters() {
    let (_database, house, inlet) = house().await;
    let found = specs(&house, &inlet, "events").await;
    assert!(found.len() >= 20, "{}", found.len());
    for spec in &found {
        check(spec, &["uid", "name", "emoji", "icon", "description", "category"], &["important"], &[]);
        let uid = spec["uid"].as_str().unwrap();
        for parameter in specs(&house, &inlet, &format!("event-parameters/{uid}")).await {
            let texts = ["parameter", "title", "description", "dataType"];
            check(&parameter, &texts, &["required", "multiValue"], &["maxLength"]);
            let longest = &parameter["maxLength"];
            assert!(longest.is_null() || longest.as_u64().is_some_and(|length| length > 0), "{parameter}");
            assert_eq!(parameter["required"], false, "no parameter of a built-in type is required");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_purchase_has_its_five_parameters() {
    let (_database, house, inlet) = house().await;
    let found = specs(&house, &inlet, "event-parameters/purchase").await;
    let seen: Vec<Value> =
        found.iter().map(|spec| json!([spec["parameter"], spec["dataType"], spec["multiValue"]])).collect();
    let expected = json!([
        ["order_id", "string", false],
        ["amount", "decimal", false],
        ["currency", "currency", false],
        ["sku", "string", true],
        ["channel", "string", false]
    ]);
    assert_eq!(json!(seen), expected);
    assert_eq!(specs(&house, &inlet, "event-parameters/%70urchase").await, found, "percent-encoded");
    house.stop().await;
}

#[tokio::test]
async fn parameters_of_nothing_and_of_an_unknown_type_are_errors() {
    let (_database, house, inlet) = house().await;
    for (rest, status, code) in [
        ("event-parameters", 400, "event_type_missing"),
        ("event-parameters/", 400, "event_type_missing"),
        ("event-parameters/own", 404, "event_type_not_found"),
        ("event-parameters/%FF", 400, "invalid_path"),
        ("nothing", 404, "not_found"),
    ] {
        let reply = house.get(&inlet.token, &inlet.path(&format!("/stream/specs/{rest}"))).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{rest}");
    }
    house.stop().await;
}
