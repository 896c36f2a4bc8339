//! The audit of a project: every change of a key leaves a line, with who and from where.

use serde_json::{Value, json};
use tidegate::auth::scope::Scope;

use super::Manager;
use crate::support::{house::TestHouse, postgres::TestDatabase};

#[tokio::test]
async fn every_change_of_a_key_is_written_down() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, other) = (house.inlet().await, house.inlet().await);
    let (id, key) = house.product_token(Some(&inlet.project), Scope::ALL).await;
    let manager = Manager { key, base: format!("/v1/project/{}", inlet.project) };
    let own = format!("/keys/{}", inlet.key_id);
    manager.ask(&house, "PATCH", &own, json!({"name": "Till"})).await;
    let rotated = manager.ask(&house, "POST", &format!("{own}/rotate"), json!({})).await.json();
    let successor = rotated["entity"]["id"].as_str().unwrap();
    manager.ask(&house, "POST", &format!("{own}/revoke"), Value::Null).await;
    manager.ask(&house, "DELETE", &own, Value::Null).await;
    let page = manager.get(&house, "/audit?limit=4").await;
    let lines = page.json()["entities"].clone();
    let of = |name: &str| -> Vec<Value> {
        lines.as_array().unwrap().iter().map(|line| line[name].clone()).collect()
    };
    assert_eq!(json!(of("action")), json!(["key.delete", "key.revoke", "key.rotate", "key.change"]));
    assert!(of("subject").iter().all(|subject| *subject == json!(inlet.key_id)), "{lines}");
    let who = format!("product key {id} ");
    assert!(of("actor").iter().all(|actor| actor.as_str().unwrap().starts_with(&who)), "{lines}");
    assert!(of("address").iter().all(|address| address.as_str().unwrap().starts_with("127.0.0.")), "{lines}");
    assert!(of("note")[2].as_str().unwrap().contains(successor), "{lines}");
    assert!(!page.text.contains(rotated["entity"]["key"].as_str().unwrap()));

    // The pages that follow lead back to the beginning, and hold nothing of another project.
    let (mut after, mut subjects) = (page.json()["metadata"]["next"].clone(), Vec::new());
    while let Some(cursor) = after.as_str() {
        let page = manager.get(&house, &format!("/audit?limit=1&after={cursor}")).await.json();
        subjects.extend(page["entities"].as_array().unwrap().iter().map(|line| line["subject"].clone()));
        after = page["metadata"]["next"].clone();
    }
    assert_eq!(subjects.last(), Some(&json!(inlet.project)));
    assert!(!subjects.contains(&json!(other.project)) && !subjects.contains(&json!(other.key_id)));
    let keys = manager.get(&house, "/keys?limit=1").await.json()["metadata"]["next"].clone();
    let foreign = manager.get(&house, &format!("/audit?after={}", keys.as_str().unwrap())).await;
    assert_eq!(foreign.code(), "invalid_cursor", "a cursor of another list");
    house.stop().await;
}
