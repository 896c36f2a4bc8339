//! Datasources: listed, made, changed, deleted; what changes is in force for the next push.

use serde_json::{Value, json};

use super::{Manager, pointers};
use crate::support::{house::TestHouse, postgres::TestDatabase};

#[tokio::test]
async fn a_datasource_is_made_without_a_token() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let new = json!({"name": "Shop", "plan": "L", "strict": true, "defaultCountry": "at"});
    let made = manager.ask(&house, "POST", "/datasource", new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let entity = made.json()["entity"].clone();
    assert_eq!(
        (&entity["plan"], &entity["strict"], &entity["defaultCountry"]),
        (&json!("L"), &json!(true), &json!("AT"))
    );
    assert_eq!(entity["budgets"]["events.write"], 60_000);
    let path = format!("/datasource/{}", entity["uid"].as_str().unwrap());
    assert_eq!(manager.get(&house, &path).await.json()["entity"], entity);
    let all = manager.get(&house, "/datasource").await.json();
    let uids: Vec<_> = all["entities"].as_array().unwrap().iter().map(|one| one["uid"].clone()).collect();
    assert_eq!(uids, [json!(inlet.datasource), entity["uid"].clone()]);
    let faulty = json!({"name": "", "plan": "Z", "defaultCountry": "XX"});
    let reply = manager.ask(&house, "POST", "/datasource", faulty).await;
    assert_eq!(pointers(&reply), ["/name", "/plan", "/defaultCountry"]);
    assert_eq!(pointers(&manager.ask(&house, "POST", "/datasource", json!({})).await), [""]);
    house.stop().await;
}

#[tokio::test]
async fn a_change_is_in_force_for_the_next_push() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let own = format!("/datasource/{}", inlet.datasource);
    let event = json!([{"_user_id": "u", "_event_id": "e", "_event_type": "unheard_of"}]);
    let strict = json!({"strict": true, "name": "Till", "priority": 3, "plan": "S", "defaultCountry": null, "limits": {"meta": 9}});
    let changed = manager.ask(&house, "PATCH", &own, strict).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let entity = &changed.json()["entity"];
    assert_eq!(
        (&entity["name"], &entity["priority"], &entity["defaultCountry"]),
        (&json!("Till"), &json!(3), &Value::Null)
    );
    assert_eq!((&entity["limits"], &entity["budgets"]["meta"]), (&json!({"meta": 9}), &json!(9)));
    let refused = house.post(&inlet.token, &inlet.path("/stream/events"), &event).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-limit")), (422, "600"));
    let phone = json!([{"_user_id": "u", "_phone_mobile": "600111222"}]);
    assert_eq!(house.post(&inlet.token, &inlet.path("/stream/contacts"), &phone).await.status, 422);
    let lenient = json!({"strict": false, "plan": null, "defaultCountry": "ES", "limits": {"meta": null}});
    assert_eq!(manager.ask(&house, "PATCH", &own, lenient).await.status, 200);
    let taken = house.post(&inlet.token, &inlet.path("/stream/events"), &event).await;
    assert_eq!((taken.status, taken.header("x-ratelimit-limit")), (202, "6000"));
    assert_eq!(house.post(&inlet.token, &inlet.path("/stream/contacts"), &phone).await.status, 202);
    for (bad, pointer) in [
        (json!({"priority": -1}), "/priority"),
        (json!({"plan": "Q"}), "/plan"),
        (json!({"strict": "yes"}), "/strict"),
        (json!({"limits": {"meta": "x"}}), "/limits/meta"),
    ] {
        assert_eq!(pointers(&manager.ask(&house, "PATCH", &own, bad).await), [pointer]);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_deleted_datasource_is_gone_with_its_tokens() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    let manager = Manager::of(&house, &inlet).await;
    let own = format!("/datasource/{}", inlet.datasource);
    let reply = manager.ask(&house, "DELETE", &own, Value::Null).await;
    assert_eq!((reply.status, &reply.json()["entity"]["uid"]), (200, &json!(inlet.datasource)));
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream")).await.code(), "invalid_token");
    assert_eq!(manager.get(&house, &own).await.code(), "not_found");
    let dsapi = manager.get(&house, "/datasource/dsapi").await.json();
    assert_eq!(dsapi["entity"]["uid"], json!(sibling.datasource));
    house.stop().await;
}

#[tokio::test]
async fn managing_is_paid_for_by_the_project() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    assert_eq!(manager.ask(&house, "PATCH", "", json!({"limits": {"manage": 2}})).await.status, 200);
    let own = format!("/datasource/{}", inlet.datasource);
    let last = manager.ask(&house, "PATCH", &own, json!({"name": "a"})).await;
    assert_eq!((last.status, last.header("x-ratelimit-limit")), (200, "2"));
    let spent = manager.ask(&house, "PATCH", &own, json!({"name": "b"})).await;
    assert_eq!(
        (spent.code().as_str(), spent.header("ratelimit-policy")),
        ("rate_limited", "\"manage\";q=2;w=60")
    );
    house.stop().await;
}
