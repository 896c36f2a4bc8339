//! Batches: the shape of the answer, and bad items among good ones.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{contacts, event, events, house};

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Ten items that are bad for ten different reasons, with the id by which each is named and a word of its error.
fn bad_items() -> Vec<(String, &'static str, &'static str)> {
    let with = |id: &str, rest: &str| {
        format!(
            r#"{{"_user_id":"u","_event_id":"{id}","_event_type":"purchase","_event_parameters":{rest}}}"#
        )
    };
    vec![
        ("17".into(), "", "must be a JSON object"),
        (r#"{"_user_id":"u","_event_type":"t"}"#.into(), "", "_event_id: is required"),
        (r#"{"_event_id":"b1","_event_type":"t"}"#.into(), "b1", "_user_id: is required"),
        (with("b2", r#"{"amount":"much"}"#), "b2", "_event_parameters.amount: is not a decimal number"),
        (with("b3", r#"{"x":"\u0000"}"#), "b3", "NUL"),
        (with("b4", r#"{"x":"\ud800"}"#), "b4", "not valid Unicode"),
        (with("b5", "1"), "b5", "_event_parameters: must be a JSON object"),
        (with("b6", r#"{"x":1e400000}"#), "b6", "exponent"),
        (
            r#"{"_user_id":"u","_event_id":"b7","_event_type":"t","_event_date":"1999-01-01"}"#.into(),
            "b7",
            "_event_date: is before the year 2000",
        ),
        (
            r#"{"_user_id":"u","_user_id":"v","_event_id":"b8","_event_type":"t"}"#.into(),
            "b8",
            "more than once",
        ),
    ]
}

#[tokio::test]
async fn ten_bad_items_of_a_hundred_are_named_and_the_others_stored() {
    let (_database, house, inlet) = house().await;
    let bad = bad_items();
    let mut items = Vec::new();
    for position in 0..100 {
        let item = if position % 10 == 3 {
            bad[position / 10].0.clone()
        } else {
            event(&format!("e{position}"), &json!({"amount": position})).to_string()
        };
        items.push(item);
    }
    let body = format!("[{}]", items.join(","));
    let path = inlet.path("/stream/events");
    let reply = house.post_bytes(&inlet.token, &path, body.clone()).await;
    let answer = reply.json();
    assert_eq!((reply.status, &answer["success"]), (202, &json!(false)));
    assert_eq!((&answer["entitiesSuccess"], &answer["entitiesFailures"]), (&json!(90), &json!(10)));
    for (at, (error, (_, id, word))) in answer["errors"].as_array().unwrap().iter().zip(&bad).enumerate() {
        assert_eq!((&error["position"], &error["item"]), (&json!(at * 10 + 3), &json!(id)));
        assert!(error["error"].as_str().unwrap().contains(word), "{word} is not in {error}");
    }
    assert_eq!(reply.outcomes().iter().filter(|outcome| *outcome == "stored").count(), 90);
    assert_eq!(house.number("select count(*) from event").await, 90);
    let again = house.post_bytes(&inlet.token, &path, body).await;
    assert_eq!(again.status, 202);
    assert_eq!(again.outcomes().iter().filter(|outcome| *outcome == "duplicate").count(), 90);
    assert_eq!(again.json()["errors"], answer["errors"]);
    assert_eq!(house.number("select count(*) from event").await, 90);
    house.stop().await;
}

#[tokio::test]
async fn a_mixed_batch_of_contacts_is_answered_item_by_item() {
    let (_database, house, inlet) = house().await;
    contacts(&house, &inlet, &json!([{"_user_id": "USER-2"}])).await;
    let batch =
        json!([{"_user_id": "USER-1"}, {"_user_id": "USER-2"}, {"_user_id": "USER-3", "_email": "x"}]);
    let reply = contacts(&house, &inlet, &batch).await;
    let answer = reply.json();
    let expected = BTreeSet::from([
        "success",
        "status",
        "dryRun",
        "entitiesSuccess",
        "entitiesFailures",
        "entitiesLimit",
        "accepted",
        "errors",
        "entity",
        "projectUid",
        "datasourceUid",
        "receipt",
    ]);
    assert_eq!(members(&answer), expected);
    assert!(answer["entitiesSuccess"].is_u64());
    assert_eq!(members(&answer["entity"]), BTreeSet::from(["successful", "failed", "items"]));
    assert_eq!(members(&answer["receipt"]), BTreeSet::from(["durability", "cursor", "receivedAt"]));
    assert_eq!(
        (&answer["projectUid"], &answer["datasourceUid"]),
        (&json!(inlet.project), &json!(inlet.datasource))
    );
    assert!(answer["receipt"]["cursor"].is_string());
    crate::assert_answer!(reply);
    house.stop().await;
}

#[tokio::test]
async fn a_batch_without_a_good_item_is_422_with_a_reason() {
    let (_database, house, inlet) = house().await;
    let reply = events(&house, &inlet, &json!([{"_event_id": "e"}, 5, null, [], "x"])).await;
    assert_eq!((reply.status, reply.header("content-type")), (422, "application/json"));
    assert_eq!(house.number("select count(*) from lot").await, 0);
    crate::assert_answer!(reply);
    house.stop().await;
}

#[tokio::test]
async fn elements_that_are_no_objects_fail_alone() {
    let (_database, house, inlet) = house().await;
    let body = r#"[1, null, true, "x", [], [{"_user_id":"no"}], {"_user_id":"yes"}, -0.5e1]"#;
    let reply = house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), body).await;
    assert_eq!(reply.status, 202);
    for item in reply.json()["errors"].as_array().unwrap() {
        assert_eq!((&item["item"], &item["error"]), (&json!(""), &json!("must be a JSON object")));
    }
    assert_eq!(reply.json()["accepted"], json!([{"position": 6, "item": "yes"}]));
    assert_eq!(house.number("select count(*) from contact").await, 1);
    house.stop().await;
}

#[tokio::test]
async fn a_hundred_items_are_the_most() {
    let (_database, house, inlet) = house().await;
    let many = |count: usize| (0..count).map(|at| json!({"_user_id": at.to_string()})).collect::<Vec<_>>();
    let refused = contacts(&house, &inlet, &json!(many(101))).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "too_many_items"));
    assert_eq!(house.number("select count(*) from contact").await, 0);
    let taken = contacts(&house, &inlet, &json!(many(100))).await;
    assert_eq!((taken.status, &taken.json()["entitiesSuccess"]), (202, &json!(100)));
    assert_eq!(taken.json()["entitiesLimit"], 100);
    house.stop().await;
}
