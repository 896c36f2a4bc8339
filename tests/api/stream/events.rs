//! `POST …/stream/events`: duplicates, conflicts, types and dates.

use serde_json::{Value, json};

use super::{contact_data, contacts, event, events, house};

async fn outcome(house: &super::TestHouse, inlet: &super::Inlet, item: &Value) -> String {
    events(house, inlet, &json!([item])).await.outcomes().remove(0)
}

#[tokio::test]
async fn an_event_is_stored_once() {
    let (_database, house, inlet) = house().await;
    let item = event("e", &json!({"amount": 12.5}));
    assert_eq!(outcome(&house, &inlet, &item).await, "stored");
    assert_eq!(outcome(&house, &inlet, &item).await, "duplicate");
    assert_eq!(house.number("select count(*) from event").await, 1);
    house.stop().await;
}

#[tokio::test]
async fn a_retry_in_another_spelling_is_a_duplicate() {
    let (_database, house, inlet) = house().await;
    let path = inlet.path("/stream/events");
    let first = r#"[{"_user_id":"u","_event_id":"e","_event_type":"purchase",
        "_event_parameters":{"amount":"12.50","currency":"eur","sku":"A","free":{"a":1,"b":[1.0,"é"]}}}]"#;
    assert_eq!(house.post_bytes(&inlet.token, &path, first).await.outcomes(), ["stored"]);
    for again in [
        r#"[{"_event_parameters":{"free":{"b":[1,"\u00e9"],"a":10e-1},"sku":["A"],"currency":"EUR","amount":12.5},
            "_event_type":"purchase","_event_id":"e","_user_id":"u"}]"#,
        r#"[{"_user_id":"u","_event_id":"\u0065","_event_type":"purchase","_event_date":null,
            "_event_parameters":{"amount":1.25e1,"currency":"EUR","sku":["A"],"free":{"a":1,"b":[1,"é"]},"channel":null}}]"#,
    ] {
        let reply = house.post_bytes(&inlet.token, &path, again).await;
        assert_eq!(reply.outcomes(), ["duplicate"], "{}", reply.text);
    }
    house.stop().await;
}

#[tokio::test]
async fn other_content_under_a_used_id_is_a_conflict_and_the_first_stays() {
    let (_database, house, inlet) = house().await;
    let first = event("e", &json!({"amount": 1}));
    outcome(&house, &inlet, &first).await;
    let change = |member: &str, value: Value| {
        let mut other = first.clone();
        other[member] = value;
        other
    };
    for other in [
        change("_user_id", json!("v")),
        change("_event_type", json!("refund")),
        change("_event_parameters", json!({"amount": 2})),
        change("_event_parameters", json!({"amount": 1, "x": null})),
        change("_event_parameters", json!({})),
    ] {
        let reply = events(&house, &inlet, &json!([other])).await;
        assert_eq!((reply.status, reply.outcomes()), (422, vec!["conflict".to_owned()]), "{other}");
        assert!(reply.json()["entity"]["items"][0]["errors"]["_event_id"].is_array());
    }
    assert_eq!(outcome(&house, &inlet, &first).await, "duplicate");
    assert_eq!(house.number("select count(*) from event").await, 1);
    house.stop().await;
}

#[tokio::test]
async fn dates_tell_events_apart_only_where_both_gave_one() {
    let (_database, house, inlet) = house().await;
    let dated = |id: &str, date: Option<&str>| {
        let mut item = event(id, &json!({}));
        if let Some(date) = date {
            item["_event_date"] = json!(date);
        }
        item
    };
    let noon = "2026-11-20T12:00:00Z";
    for (first, second, expected) in [
        (Some(noon), Some("2026-11-20T13:00:00+01:00"), "duplicate"),
        (Some(noon), Some("2026-11-20T12:00:00.000000Z"), "duplicate"),
        (Some(noon), Some("2026-11-20T12:00:01Z"), "conflict"),
        (Some("2026-11-20"), Some("2026-11-20T00:00:00Z"), "duplicate"),
        (Some(noon), None, "duplicate"),
        (None, Some(noon), "duplicate"),
        (None, None, "duplicate"),
    ] {
        let id = format!("{first:?} {second:?}");
        assert_eq!(outcome(&house, &inlet, &dated(&id, first)).await, "stored");
        assert_eq!(outcome(&house, &inlet, &dated(&id, second)).await, expected, "{id}");
    }
    house.stop().await;
}

#[tokio::test]
async fn items_of_one_batch_are_judged_in_order() {
    let (_database, house, inlet) = house().await;
    let (one, two) = (json!({"amount": 1}), json!({"amount": 2}));
    let batch = json!([event("e", &one), event("e", &one), event("e", &two), event("f", &two)]);
    let reply = events(&house, &inlet, &batch).await;
    assert_eq!(reply.outcomes(), ["stored", "duplicate", "conflict", "stored"]);
    crate::assert_answer!(reply);
    house.stop().await;
}

#[tokio::test]
async fn ids_are_unique_in_one_datasource_only() {
    let (_database, house, inlet) = house().await;
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    assert_eq!(outcome(&house, &inlet, &event("e", &json!({"amount": 1}))).await, "stored");
    assert_eq!(outcome(&house, &sibling, &event("e", &json!({"amount": 2}))).await, "stored");
    house.stop().await;
}

#[tokio::test]
async fn a_strict_datasource_knows_its_types() {
    let (_database, house, inlet) = house().await;
    let strict = house.datasource(&inlet.project, None, true, None).await;
    let typed = |kind: &str| json!({"_user_id": "u", "_event_id": kind, "_event_type": kind});
    assert_eq!(outcome(&house, &inlet, &typed("purchas")).await, "stored");
    let reply = events(&house, &strict, &json!([typed("purchas"), typed("purchase")])).await;
    assert_eq!(reply.outcomes(), ["invalid", "stored"]);
    assert!(reply.json()["errors"][0]["error"].as_str().unwrap().contains("did you mean purchase?"));
    house.stop().await;
}

#[tokio::test]
async fn an_event_makes_no_contact_and_needs_none() {
    let (_database, house, inlet) = house().await;
    assert_eq!(outcome(&house, &inlet, &event("e", &json!({}))).await, "stored");
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await.status, 404);
    contacts(&house, &inlet, &json!([{"_user_id": "u"}])).await;
    assert_eq!(contact_data(&house, &inlet, "u").await, json!({"_user_id": "u"}));
    house.stop().await;
}

#[tokio::test]
async fn dates_out_of_bounds_and_bad_parameters_are_item_errors() {
    let (_database, house, inlet) = house().await;
    let far = (jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 365 * 200)).to_string();
    let mut batch: Vec<Value> = ["1999-12-31", "soon", &far, "1763640000", "2026-02-30"]
        .iter()
        .map(|date| json!({"_user_id": "u", "_event_id": date, "_event_type": "x", "_event_date": date}))
        .collect();
    batch.push(event("amount", &json!({"amount": "much"})));
    batch.push(event("currency", &json!({"currency": "EURO"})));
    batch.push(event("array", &json!({"order_id": ["a"]})));
    batch.push(event("long", &json!({"order_id": "x".repeat(5_000)})));
    batch.push(json!({"_user_id": "u", "_event_id": "p", "_event_type": "x", "_event_parameters": [1]}));
    batch.push(json!({"_user_id": "u", "_event_id": "s", "_event_type": "x", "stranger": 1}));
    let count = batch.len();
    let reply = events(&house, &inlet, &json!(batch)).await;
    assert_eq!((reply.status, reply.outcomes()), (422, vec!["invalid".to_owned(); count]), "{}", reply.text);
    assert_eq!(house.number("select count(*) from event_key").await, 0);
    house.stop().await;
}
