//! What is delivered: everything that was asked for, in order, signed, as pages have it.

use serde_json::{Value, json};
use tidegate::auth::scope::Scope;

use super::{Scene, ids, push};
use crate::support::receiver::{Answer, Receiver};

#[tokio::test]
async fn every_item_is_delivered_in_order_as_pages_have_it_and_signed() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    scene.push(0..3).await;
    scene.stream(3).await;
    let (id, secret) = scene.hook_to(&receiver).await;
    let contact = json!([{"_user_id": "ada", "_email": "ada@example.com"}]);
    scene.house.post(&scene.inlet.token, &scene.inlet.path("/stream/contacts"), &contact).await;
    scene.push(3..40).await;
    let hits = receiver.until("all of them", |hits| hits.len() >= 38).await;
    let stream = scene.stream(41).await;
    for (hit, item) in hits.iter().zip(&stream[3..]) {
        let message = hit.json();
        let members: Vec<&str> = message.as_object().unwrap().keys().map(String::as_str).collect();
        let mut sorted = members.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["data", "timestamp", "type"]);
        assert_eq!((&message["data"], &message["type"]), (item, &item["type"]), "the head is where it began");
        assert_eq!(message["timestamp"], item["_event_date"]);
        assert_eq!(hit.id, format!("msg_{}", item["cursor"].as_str().unwrap()));
        assert_eq!(
            (hit.line.as_str(), hit.content_type.as_str()),
            ("POST /hook?token=hidden", "application/json")
        );
        assert_eq!((hit.signed_with(&secret), hit.signature.split(' ').count()), (1, 1));
        let now = scene.house.state.clock.now().as_second();
        assert!((now - 120..=now).contains(&hit.timestamp.parse().unwrap()));
    }
    assert_eq!(hits.len(), 38);
    assert!(receiver.connections() <= 2, "connections are kept: {}", receiver.connections());
    let webhook = scene.until(&id, "written down", |webhook| !webhook["lastSuccessAt"].is_null()).await;
    assert_eq!(
        (&webhook["state"], &webhook["failures"], &webhook["pending"]),
        (&json!("active"), &json!(0), &json!(0))
    );
    let log = scene.list(&format!("/{id}/deliveries")).await;
    let newest = log.first().unwrap();
    assert_eq!(
        (&newest["status"], &newest["attempt"], &newest["error"]),
        (&json!(204), &json!(1), &Value::Null)
    );
    scene.house.stop().await;
}

#[tokio::test]
async fn filters_hold_and_move_on_over_what_nobody_wants() {
    let scene = Scene::set().await;
    let (named, begun, of_one) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let other = scene.house.datasource(&scene.inlet.project, None, false, None).await;
    scene.hook(json!({ "url": named.url(), "types": ["refund"] })).await;
    scene.hook(json!({ "url": begun.url(), "types": ["contact.*"] })).await;
    scene.hook(json!({ "url": of_one.url(), "datasources": [other.datasource] })).await;
    push(&scene.house, &scene.inlet, "purchase", 0..5).await;
    push(&scene.house, &other, "purchase", 5..8).await;
    push(&scene.house, &scene.inlet, "refund", 8..10).await;
    let contact = json!([{"_user_id": "ada", "_email": "ada@example.com"}]);
    scene.house.post(&scene.inlet.token, &scene.inlet.path("/stream/contacts"), &contact).await;
    assert_eq!(ids(&named.until("refunds", |hits| hits.len() >= 2).await), [8, 9]);
    assert_eq!(ids(&of_one.until("of one datasource", |hits| hits.len() >= 3).await), [5, 6, 7]);
    let hits = begun.until("contacts", |hits| !hits.is_empty()).await;
    assert_eq!(hits[0].json()["data"]["changed"]["_email"]["to"], "ada@example.com");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_maker_who_may_not_see_contacts_gets_them_masked() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    let scopes = [Scope::ProjectManage, Scope::ProjectRead];
    let (_, key) = scene.house.product_token(Some(&scene.inlet.project), &scopes).await;
    let made = scene.ask_as(&key, "POST", "", json!({ "url": receiver.url() })).await.json();
    assert_eq!(made["whole"], false);
    let contact = json!([{"_user_id": "ada", "_email": "ada@example.com", "_phone_mobile": "+34600111222"}]);
    scene.house.post(&scene.inlet.token, &scene.inlet.path("/stream/contacts"), &contact).await;
    let hits = receiver.until("it", |hits| !hits.is_empty()).await;
    assert!(!hits[0].body.contains("ada@example") && !hits[0].body.contains("600111222"), "{}", hits[0].body);
    // The same key cannot turn one that gets them whole to a place of its own.
    let (whole, _) = scene.hook_to(&receiver).await;
    let turned = scene.ask_as(&key, "PATCH", &format!("/{whole}"), json!({ "url": receiver.url() })).await;
    assert_eq!((turned.status, turned.code().as_str()), (403, "insufficient_scope"));
    let renamed = scene.ask_as(&key, "PATCH", &format!("/{whole}"), json!({ "description": "x" })).await;
    assert_eq!(renamed.status, 200);
    scene.house.stop().await;
}

#[tokio::test]
async fn both_secrets_sign_after_a_rotation_and_a_test_message_is_sent_at_once() {
    let scene = Scene::set().await;
    let receiver = Receiver::answering(|number, _| Answer::Status(if number == 0 { 500 } else { 200 })).await;
    let (id, old) = scene.hook(json!({ "url": receiver.url(), "enabled": false })).await;
    let tested = scene.ask("POST", &format!("/{id}/test"), Value::Null).await;
    assert_eq!(tested.status, 200, "{}", tested.text);
    let told = tested.json()["entity"].clone();
    assert_eq!((&told["status"], &told["type"]), (&json!(500), &json!("webhook.test")));
    assert!(told["error"].as_str().unwrap().contains("500") && told["latencyMs"].is_number());

    let rotated = scene.ask("POST", &format!("/{id}/secret/rotate"), Value::Null).await;
    assert_eq!((rotated.status, rotated.header("cache-control")), (200, "no-store"), "{}", rotated.text);
    let new = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    assert!(!scene.read(&id).await["previousSecretUntil"].is_null());
    assert_eq!(scene.ask("POST", &format!("/{id}/test"), Value::Null).await.json()["entity"]["status"], 200);
    let hits = receiver.hits();
    assert_eq!(hits[0].json()["type"], "webhook.test");
    assert_eq!((hits[0].signed_with(&old), hits[0].signed_with(&new)), (1, 0));
    let both: Vec<&str> = hits[1].signature.split(' ').collect();
    assert_eq!((hits[1].signed_with(&new), hits[1].signed_with(&old), both.len()), (1, 1, 2));
    assert_ne!(hits[0].id, hits[1].id);

    // Deliveries are signed by both, too, and after a day by the new one alone.
    scene.ask("PATCH", &format!("/{id}"), json!({ "enabled": true })).await;
    scene.push(0..1).await;
    let hits = receiver.until("a delivery", |hits| hits.len() >= 3).await;
    assert_eq!((hits[2].signed_with(&new), hits[2].signed_with(&old)), (1, 1));
    scene
        .house
        .sql("update webhook set before_until = now() - interval '1 second', generation = generation + 1")
        .await;
    let receiver = receiver.again(|_, _| Answer::Status(200)).await;
    scene.push(1..9).await;
    let hits = receiver.until("more", |hits| hits.len() >= 11).await;
    let last = hits.last().unwrap();
    assert_eq!((last.signed_with(&new), last.signed_with(&old)), (1, 0));
    assert_eq!(
        scene
            .list(&format!("/{id}/deliveries"))
            .await
            .iter()
            .filter(|one| one["type"] == "webhook.test")
            .count(),
        2
    );
    scene.house.stop().await;
}
