//! `POST …/stream/events`.

use serde_json::json;

use crate::support::{house::TestHouse, postgres::TestDatabase};

#[tokio::test]
async fn an_event_is_stored_once() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let event = json!([{"_user_id": "u", "_event_id": "e", "_event_type": "purchase"}]);
    let first = house.post(&inlet.token, &inlet.path("/stream/events"), &event).await;
    assert_eq!((first.status, first.json()["entity"]["items"][0]["outcome"].as_str()), (202, Some("stored")));
    let again = house.post(&inlet.token, &inlet.path("/stream/events"), &event).await;
    assert_eq!(
        (again.status, again.json()["entity"]["items"][0]["outcome"].as_str()),
        (202, Some("duplicate"))
    );
    let rows: i64 =
        database.client().await.query_one("select count(*) from event", &[]).await.unwrap().get(0);
    assert_eq!(rows, 1);
    house.stop().await;
}
