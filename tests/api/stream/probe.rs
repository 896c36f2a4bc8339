//! `GET …/stream`.

use serde_json::{Value, json};
use tidegate::auth::scope::Scope;

use super::{contacts, event, events, house};

fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn the_probe_says_who_where_and_what() {
    let (_database, house, inlet) = house().await;
    contacts(&house, &inlet, &json!([{"_user_id": "a"}, {"_user_id": "b"}, {}])).await;
    events(&house, &inlet, &json!([event("1", &json!({}))])).await;
    events(&house, &inlet, &json!([event("1", &json!({}))])).await;
    events(&house, &inlet, &json!([{}])).await;
    house.post_bytes(&inlet.token, &inlet.path("/stream/events"), "nope").await;
    house.post(&inlet.token, &inlet.path("/stream/events?_dryRun"), &json!([event("2", &json!({}))])).await;
    let reply = house.get(&inlet.token, &inlet.path("/stream")).await;
    let probe = reply.json();
    assert_eq!(members(&probe["organization"]), ["name", "plan", "uid"]);
    assert_eq!(
        members(&probe["project"]),
        sorted(&["uid", "name", "locale", "timezone", "createdAt", "updatedAt"])
    );
    assert_eq!(probe["project"]["uid"], inlet.project);
    assert_eq!(probe["datasource"]["uid"], inlet.datasource);
    for name in ["organization", "project", "datasource", "stream", "token"] {
        assert!(probe[name].as_object().is_some_and(|object| !object.is_empty()), "{name}");
    }
    crate::assert_answer!(reply);
    house.stop().await;
}

#[tokio::test]
async fn what_was_counted_survives_a_flush_once() {
    let (_database, house, inlet) = house().await;
    for id in ["1", "2", "3"] {
        events(&house, &inlet, &json!([event(id, &json!({}))])).await;
        house.state.ledger.flush().await.unwrap();
    }
    let stream = house.get(&inlet.token, &inlet.path("/stream")).await.json()["stream"].clone();
    assert_eq!((&stream["callsTotal"], &stream["processedEntitiesSuccess"]), (&json!(3), &json!(3)));
    assert_eq!(stream["lastFailureTime"], Value::Null);
    assert_eq!(stream["lastCallTime"], stream["lastSuccessTime"]);
    house.stop().await;
}

#[tokio::test]
async fn the_probe_describes_the_key_that_asks() {
    let (_database, house, inlet) = house().await;
    let token = |reply: crate::support::house::Reply| reply.json()["token"].clone();
    let own = token(house.get(&inlet.token, &inlet.path("/stream")).await);
    assert_eq!(own["kind"], "datasource");
    assert_eq!(own["prefix"], inlet.token[..8]);
    assert_eq!(own["scopes"], json!(["PROJECT_INGEST_READ", "PROJECT_INGEST_WRITE"]));
    let scopes = [Scope::ProjectIngestRead, Scope::ProjectManage];
    let (_, product) = house.product_token(Some(&inlet.project), &scopes).await;
    let other = token(house.get(&product, &inlet.path("/stream")).await);
    assert_eq!((&other["kind"], &other["name"]), (&json!("product"), &json!("Product")));
    assert_eq!(other["scopes"], json!(["PROJECT_INGEST_READ", "PROJECT_MANAGE"]));
    assert_eq!(members(&other), ["kind", "name", "prefix", "scopes"]);
    house.stop().await;
}
