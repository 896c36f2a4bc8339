//! What the document lists, where it is found, and that it hangs together.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate::{
    domain::clock::SystemClock,
    http::{
        openapi,
        problem::Code,
        routes::{PUBLIC, ROUTES},
    },
    store::Database,
};

use super::{content, document, operations, resolved, responses};
use crate::support::{
    house::{Reply, TestHouse, stations},
    postgres::TestDatabase,
};

#[test]
fn the_file_in_the_repository_is_the_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    let printed = openapi::document(None).to_pretty_json().unwrap() + "\n";
    assert!(file == printed, "write it again: cargo run -- openapi > docs/openapi.json");
}

#[tokio::test]
async fn it_is_served_as_it_is_printed_but_for_the_address() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let reply = Reply::of(house.request("GET", "/openapi.json")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(&reply.json(), document());
    house.stop().await;

    let mut options = stations();
    options.http.public_url = Some("https://ingest.example.com/".into());
    let house = TestHouse::with(Database::new(database.config.clone()), options, SystemClock::shared()).await;
    let mut served = Reply::of(house.request("GET", "/openapi.json")).await.json();
    assert_eq!(served["servers"], json!([{ "url": "https://ingest.example.com" }]));
    served["servers"] = document()["servers"].clone();
    assert_eq!(&served, document());
    house.stop().await;
}

#[test]
fn its_paths_are_the_routes() {
    let listed: BTreeSet<(String, String)> =
        operations().map(|(path, method, _)| (path.to_owned(), method)).collect();
    let keyed = ROUTES.iter().map(|route| (route.path.to_owned(), route.method.to_owned()));
    let public = PUBLIC.iter().map(|(path, _)| ((*path).to_owned(), "GET".to_owned()));
    assert_eq!(listed, keyed.chain(public).collect());
    assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document()["servers"], json!([{ "url": "/" }]));
}

#[test]
fn every_operation_says_what_it_is() {
    let tags: BTreeSet<&str> =
        document()["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let said = |name: &str| operation[name].as_str().filter(|text| !text.is_empty());
        let id = said("operationId").unwrap_or_else(|| panic!("{method} {path} has no id"));
        assert!(ids.insert(id), "{id} is there twice");
        assert!(said("summary").is_some() && said("description").is_some(), "{id}");
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{id}");
        let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        let named: BTreeSet<&str> = parameters
            .iter()
            .filter(|one| one["in"] == "path")
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(named, in_path.collect(), "{id}");
        for parameter in parameters {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(
                !text.is_empty() && !text.starts_with(' '),
                "{id} does not say what {} is",
                parameter["name"]
            );
        }
    }
}

#[test]
fn every_problem_lists_the_codes_of_its_status() {
    for (path, method, operation) in operations() {
        let keyed = path.starts_with("/v1/");
        let statuses: BTreeSet<u16> = responses(operation).map(|(status, _)| status).collect();
        let expected: &[u16] = if keyed { &[401, 403, 429, 503] } else { &[] };
        for status in [400, 405, 408, 431, 500].iter().chain(expected) {
            assert!(statuses.contains(status), "{method} {path} lacks {status}");
        }
        assert_eq!(statuses.contains(&415), operation["requestBody"].is_object(), "{method} {path}");
        for (status, response) in responses(operation) {
            let (media_type, body) = content(response);
            if media_type != "application/problem+json" {
                assert!(status < 300 || status == 422, "{method} {path} {status}");
                continue;
            }
            let codes: Vec<&str> = body["schema"]["allOf"][1]["properties"]["code"]["enum"]
                .as_array()
                .unwrap()
                .iter()
                .map(|code| code.as_str().unwrap())
                .collect();
            assert!(
                codes.iter().all(|code| status_of(code) == status),
                "{method} {path} {status}: {codes:?}"
            );
            let examples: Vec<&str> =
                body["examples"].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(
                BTreeSet::from_iter(codes),
                examples.into_iter().collect(),
                "{method} {path} {status}"
            );
        }
    }
}

fn status_of(code: &str) -> u16 {
    Code::ALL.iter().find(|known| known.as_str() == code).unwrap().status()
}

#[test]
fn every_code_is_possible_somewhere() {
    let text = document()["components"]["responses"].to_string();
    for code in Code::ALL.iter().filter(|code| **code != Code::NoValidItem) {
        let example = format!("\"/docs/errors#{}\"", code.as_str());
        assert!(text.contains(&example), "no operation can answer {}", code.as_str());
    }
}

#[test]
fn references_lead_somewhere_and_components_are_referred_to() {
    let mut referred = BTreeSet::new();
    refer(document(), &mut referred);
    for reference in &referred {
        assert!(resolved_text(reference).is_some(), "{reference} leads nowhere");
    }
    for (kind, components) in document()["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            assert!(referred.contains(&format!("#/components/{kind}/{name}")), "nothing refers to {name}");
        }
    }
    assert!(!referred.is_empty() && resolved(&document()["info"])["title"] == "Tidegate");
}

fn resolved_text(reference: &str) -> Option<&'static Value> {
    document().pointer(reference.strip_prefix('#')?)
}

fn refer(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|inner| refer(inner, found));
        }
        Value::Array(values) => values.iter().for_each(|inner| refer(inner, found)),
        _ => {}
    }
}
