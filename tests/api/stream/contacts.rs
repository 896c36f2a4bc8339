//! `POST …/stream/contacts`: what an upsert leaves behind.

use serde_json::json;

use super::{contact_data, contacts, house};

#[tokio::test]
async fn an_upsert_merges_and_null_clears() {
    let (_database, house, inlet) = house().await;
    let first =
        json!([{"_user_id": "u", "_email": "Ann@EXAMPLE.com", "_city": "Rome", "size": 4, "old": true}]);
    assert_eq!(contacts(&house, &inlet, &first).await.outcomes(), ["created"]);
    assert_eq!(contacts(&house, &inlet, &first).await.outcomes(), ["unchanged"]);
    let second =
        json!([{"_user_id": "u", "_city": "Turin", "old": null, "_birth_date": "", "new": {"a": [1]}}]);
    assert_eq!(contacts(&house, &inlet, &second).await.outcomes(), ["updated"]);
    let expected =
        json!({"_user_id": "u", "_email": "Ann@example.com", "_city": "Turin", "size": 4, "new": {"a": [1]}});
    assert_eq!(contact_data(&house, &inlet, "u").await, expected);
    assert_eq!(contacts(&house, &inlet, &second).await.outcomes(), ["unchanged"]);
    assert_eq!(contacts(&house, &inlet, &json!([{"_user_id": "u"}])).await.outcomes(), ["unchanged"]);
    house.stop().await;
}

#[tokio::test]
async fn values_may_all_arrive_as_strings() {
    let (_database, house, inlet) = house().await;
    let all = house.get(&inlet.token, &inlet.path("/stream/specs/attributes")).await.json();
    let sample = |kind: &str| match kind {
        "decimal" => json!("12.5"),
        "int" => json!("42"),
        "bool" => json!("1"),
        "date" => json!("2026-11-20"),
        "datetime" => json!("2026-11-20T10:00:00+02:00"),
        "email" => json!("ann@EXAMPLE.com"),
        "phone" => json!("600 111 221"),
        "country" => json!("es"),
        "language" => json!("es"),
        "currency" => json!("eur"),
        "url" => json!("https://example.com/a"),
        _ => json!("text"),
    };
    let mut contact = json!({"_user_id": "u"});
    for spec in all["specs"].as_array().unwrap() {
        let uid = spec["uid"].as_str().unwrap();
        if uid != "_user_id" && spec["readOnly"] == false {
            contact[uid] = sample(spec["dataType"].as_str().unwrap());
        }
    }
    let reply = contacts(&house, &inlet, &json!([contact])).await;
    assert_eq!(reply.outcomes(), ["created"], "{}", reply.text);
    assert_eq!(contacts(&house, &inlet, &json!([contact])).await.outcomes(), ["unchanged"]);
    let stored = contact_data(&house, &inlet, "u").await;
    assert_eq!(
        (&stored["_email"], &stored["_phone_mobile"]),
        (&json!("ann@example.com"), &json!("+34600111221"))
    );
    house.stop().await;
}

#[tokio::test]
async fn a_national_number_needs_a_country() {
    let (_database, house, inlet) = house().await;
    let nowhere = house.datasource(&inlet.project, None, false, None).await;
    let national = json!([{"_user_id": "u", "_phone_mobile": "600 111 221"}]);
    let refused = contacts(&house, &nowhere, &national).await;
    assert_eq!((refused.status, refused.outcomes()), (422, vec!["invalid".to_owned()]));
    let international = json!([{"_user_id": "u", "_phone_mobile": "+34 600-111-221"}]);
    assert_eq!(contacts(&house, &nowhere, &international).await.outcomes(), ["created"]);
    assert_eq!(contacts(&house, &inlet, &national).await.outcomes(), ["created"], "Spain is its default");
    house.stop().await;
}

#[tokio::test]
async fn one_contact_twice_in_a_batch_is_merged_in_order() {
    let (_database, house, inlet) = house().await;
    let batch = json!([
        {"_user_id": "u", "_city": "Rome"}, {"_user_id": "v"}, {"_user_id": "u", "_city": "Rome"},
        {"_user_id": "u", "_city": "Turin"}, {"_user_id": "u", "_city": null}
    ]);
    let reply = contacts(&house, &inlet, &batch).await;
    assert_eq!(reply.outcomes(), ["created", "created", "unchanged", "updated", "updated"]);
    assert_eq!(contact_data(&house, &inlet, "u").await, json!({"_user_id": "u"}));
    house.stop().await;
}

#[tokio::test]
async fn attributes_that_nobody_knows_name_the_nearest() {
    let (_database, house, inlet) = house().await;
    let batch = json!([
        {"_user_id": "a", "_emial": "a@b.de"},
        {"_user_id": "b", "_contact_id": "x"},
        {"_user_id": "c", "_created_at": "2026-01-01"},
        {"_user_id": "d", "free": "yes", "Größe": 5}
    ]);
    let reply = contacts(&house, &inlet, &batch).await;
    assert_eq!(reply.outcomes(), ["invalid", "invalid", "invalid", "created"]);
    assert!(reply.json()["errors"][0]["error"].as_str().unwrap().contains("did you mean _email?"));
    assert_eq!(reply.json()["errors"][2]["error"], "_created_at: is set by the server; leave it out");
    assert_eq!(contact_data(&house, &inlet, "d").await["Größe"], 5);
    house.stop().await;
}

#[tokio::test]
async fn contacts_of_two_datasources_are_apart() {
    let (_database, house, inlet) = house().await;
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    contacts(&house, &inlet, &json!([{"_user_id": "u", "_city": "Rome"}])).await;
    assert_eq!(contacts(&house, &sibling, &json!([{"_user_id": "u"}])).await.outcomes(), ["created"]);
    assert_eq!(contact_data(&house, &sibling, "u").await, json!({"_user_id": "u"}));
    house.stop().await;
}

#[tokio::test]
async fn a_contact_cannot_grow_without_end() {
    let (_database, house, inlet) = house().await;
    let filler = "x".repeat(30_000);
    for at in 0..8 {
        let item = json!([{"_user_id": "u", format!("a{at}"): filler}]);
        assert_eq!(contacts(&house, &inlet, &item).await.status, 202, "{at}");
    }
    let too_much =
        contacts(&house, &inlet, &json!([{"_user_id": "u", "a8": filler}, {"_user_id": "v"}])).await;
    assert_eq!(
        (too_much.status, too_much.outcomes()),
        (202, vec!["invalid".to_owned(), "created".to_owned()])
    );
    assert_eq!(contact_data(&house, &inlet, "u").await.as_object().unwrap().len(), 9);
    house.stop().await;
}
