//! What a reader sees depends on its scopes; what was erased nobody sees.

use serde_json::{Value, json};
use tidegate::auth::{scope::Scope, single::Single};

use super::Scene;

#[tokio::test]
async fn addresses_are_masked_in_changes_without_the_scope() {
    let mut scene = Scene::set().await;
    scene
        .push_contacts(
            &json!([{"_user_id": "ada", "_email": "ada@example.com", "_phone_mobile": "+34600111221"}]),
        )
        .await;
    scene.push_contacts(&json!([{"_user_id": "ada", "_email": "eve@example.org"}])).await;
    let whole = scene.settled(2).await;
    assert_eq!(whole[1]["changed"]["_email"], json!({"from": "ada@example.com", "to": "eve@example.org"}));
    let (_, masked) =
        scene.house.product_token(Some(&scene.inlet.project), &[Scope::ProjectStreamRead]).await;
    scene.reader = masked;
    let (seen, _) = scene.read(None, "", 10).await;
    assert_eq!(
        seen[0]["changed"],
        json!({"_email": {"from": null, "to": "a•••@•••.com"}, "_phone_mobile": {"from": null, "to": "+•••21"}})
    );
    assert_eq!(seen[1]["changed"]["_email"], json!({"from": "a•••@•••.com", "to": "e•••@•••.org"}));
    scene.house.stop().await;
}

#[tokio::test]
async fn an_erased_contact_has_left_its_places_and_no_values() {
    let scene = Scene::set().await;
    scene
        .push_contacts(&json!([{"_user_id": "ada", "_city": "Ulm"}, {"_user_id": "bob", "_city": "Ulm"}]))
        .await;
    let event =
        json!({"_user_id": "ada", "_event_id": "1", "_event_type": "own", "_event_parameters": {"a": 1}});
    scene.push_events(&json!([event])).await;
    let before = scene.settled(3).await;
    let path = scene.inlet.path("/stream/contacts/ada?_erase");
    assert_eq!(scene.house.delete(&scene.inlet.token, &path).await.status, 200);
    let after = scene.settled(4).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["cursor"], after["cursor"], "places stay");
    }
    let of = |user: &str| -> Vec<&Value> {
        after.iter().filter(|item| item["_user_id"] == json!(user)).map(|item| &item["changed"]).collect()
    };
    assert_eq!(of("ada"), [&json!({}), &Value::Null, &json!({})]);
    assert_eq!(of("bob"), [&json!({"_city": {"from": null, "to": "Ulm"}})]);
    let event = after.iter().find(|item| item["kind"] == "event").unwrap();
    assert_eq!(event["parameters"], json!({}));
    scene.house.stop().await;
}

#[tokio::test]
async fn the_key_of_the_event_stream_reads_it() {
    let mut scene = Scene::set().await;
    scene.push_numbered("own", 0..2).await;
    scene.settled(2).await;
    scene.reader = scene.house.single_key(&scene.inlet.project, Single::EventStream).await;
    assert_eq!(scene.read(None, "", 10).await.0.len(), 2);
    scene.house.stop().await;
}
