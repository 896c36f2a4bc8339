//! `GET …/stats`.

use serde_json::json;

use crate::stream::{contacts, event, events, house};

#[tokio::test]
async fn totals_follow_what_is_stored() {
    let (_database, house, inlet) = house().await;
    let totals = async || {
        let stats = house.get(&inlet.token, &inlet.path("/stats")).await.json();
        assert_eq!(stats.as_object().unwrap().len(), 3);
        (stats["contacts"]["total"].as_i64().unwrap(), stats["events"]["total"].as_i64().unwrap())
    };
    assert_eq!(totals().await, (0, 0));
    contacts(&house, &inlet, &json!([{"_user_id": "a"}, {"_user_id": "b"}, {"_user_id": "a"}, {}])).await;
    assert_eq!(totals().await, (2, 0));
    let batch = json!([event("1", &json!({})), event("2", &json!({})), event("1", &json!({}))]);
    events(&house, &inlet, &batch).await;
    events(&house, &inlet, &batch).await;
    assert_eq!(totals().await, (2, 2));
    house.post(&inlet.token, &inlet.path("/stream/contacts?_dryRun"), &json!([{"_user_id": "c"}])).await;
    house.delete(&inlet.token, &inlet.path("/stream/contacts/a")).await;
    house.delete(&inlet.token, &inlet.path("/stream/contacts/a")).await;
    assert_eq!(totals().await, (1, 2));
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    let other = house.get(&sibling.token, &sibling.path("/stats")).await.json();
    assert_eq!((&other["contacts"]["total"], &other["events"]["total"]), (&json!(0), &json!(0)));
    house.stop().await;
}

#[tokio::test]
async fn the_datasource_is_the_one_of_the_probe() {
    let (_database, house, inlet) = house().await;
    contacts(&house, &inlet, &json!([{"_user_id": "a"}])).await;
    let stats = house.get(&inlet.token, &inlet.path("/stats")).await.json();
    let probe = house.get(&inlet.token, &inlet.path("/stream")).await.json();
    assert_eq!(stats["datasource"], probe["datasource"]);
    assert_eq!(stats["datasource"]["receivedContacts"], 1);
    house.stop().await;
}
