//! A purge: what a datasource held is gone, the datasource and its keys stay.

use std::time::Duration;

use serde_json::{Value, json};

use super::Manager;
use crate::support::{
    house::{Inlet, TestHouse},
    postgres::TestDatabase,
};

async fn push(house: &TestHouse, inlet: &Inlet, id: &str) -> Vec<String> {
    let event = json!([{"_user_id": "ada", "_event_id": id, "_event_type": "page_viewed"}]);
    house.post(&inlet.token, &inlet.path("/stream/events"), &event).await.outcomes()
}

async fn totals(house: &TestHouse, inlet: &Inlet) -> (Value, Value) {
    let stats = house.get(&inlet.token, &inlet.path("/stats")).await.json();
    (stats["contacts"]["total"].clone(), stats["events"]["total"].clone())
}

#[tokio::test]
async fn what_was_received_goes_and_what_comes_stays() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    let manager = Manager::of(&house, &inlet).await;
    for which in [&inlet, &sibling] {
        let contact = json!([{"_user_id": "ada"}]);
        house.post(&which.token, &which.path("/stream/contacts"), &contact).await;
        assert_eq!(push(&house, which, "1").await, ["stored"]);
    }
    let own = format!("/datasource/{}", inlet.datasource);
    assert_eq!(manager.get(&house, &own).await.json()["metadata"], json!({"purge": null}));
    let asked = manager.ask(&house, "POST", &format!("{own}/purge"), Value::Null).await;
    assert_eq!((asked.status, &asked.json()["entity"]["uid"]), (202, &json!(inlet.datasource)));
    assert!(asked.json()["metadata"]["purge"]["left"].is_i64(), "{}", asked.text);
    for (method, path) in
        [("POST", "/stream/events"), ("POST", "/stream/contacts"), ("DELETE", "/stream/contacts/ada")]
    {
        let request = house.request(method, &inlet.path(path)).bearer_auth(&inlet.token).json(&json!([]));
        let refused = crate::support::house::Reply::of(request).await;
        assert_eq!(
            (refused.code().as_str(), refused.header("retry-after")),
            ("purging", "1"),
            "{method} {path}"
        );
    }
    assert_eq!(push(&house, &sibling, "2").await, ["stored"], "another datasource takes pushes");
    let done = async {
        while manager.get(&house, &own).await.json()["metadata"]["purge"] != Value::Null {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), done).await.expect("the purge ends");
    assert_eq!(totals(&house, &inlet).await, (json!(0), json!(0)));
    assert_eq!(totals(&house, &sibling).await, (json!(1), json!(2)), "another datasource");
    assert_eq!(
        house.get(&inlet.token, &inlet.path("/stream/contacts/ada")).await.code(),
        "contact_not_found"
    );
    assert_eq!(push(&house, &inlet, "1").await, ["stored"], "its claim went with it");
    assert_eq!(push(&house, &sibling, "1").await, ["duplicate"]);
    assert_eq!(totals(&house, &inlet).await, (json!(0), json!(1)));
    assert_eq!(house.number("select count(*) from audit where action = 'datasource.purge'").await, 1);
    house.stop().await;
}
