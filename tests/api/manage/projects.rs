//! Projects: read, changed, deleted.

use serde_json::{Value, json};
use tidegate::auth::scope::Scope;

use super::{Manager, pointers};
use crate::support::{house::TestHouse, postgres::TestDatabase};

#[tokio::test]
async fn a_project_is_read_and_changed() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let before = manager.get(&house, "").await.json();
    assert_eq!(
        (&before["entity"]["uid"], &before["entity"]["name"]),
        (&json!(inlet.project), &json!("Project"))
    );
    let change = json!({"name": " Shop ", "locale": "de_at", "timezone": "europe/vienna", "limits": {"audience.read": 7}});
    let after = manager.ask(&house, "PATCH", "", change).await;
    assert_eq!(after.status, 200, "{}", after.text);
    let entity = after.json()["entity"].clone();
    assert_eq!(
        (&entity["name"], &entity["locale"], &entity["timezone"]),
        (&json!("Shop"), &json!("de-AT"), &json!("Europe/Vienna"))
    );
    assert_eq!(entity["limits"], json!({"audience.read": 7}));
    assert_eq!(manager.get(&house, "").await.json()["entity"], entity);
    let back = manager.ask(&house, "PATCH", "", json!({"limits": {"audience.read": null}})).await;
    assert_eq!(
        (&back.json()["entity"]["limits"], &back.json()["entity"]["name"]),
        (&json!({}), &json!("Shop"))
    );
    assert_eq!(house.number("select count(*) from audit where action = 'project.change'").await, 2);
    house.stop().await;
}

#[tokio::test]
async fn a_retention_is_set_kept_and_taken_back() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let kept = async |change: Value| {
        let reply = manager.ask(&house, "PATCH", "", change).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(manager.get(&house, "").await.text, reply.text);
        reply.json()["entity"]["retentionDays"].clone()
    };
    assert_eq!(manager.get(&house, "").await.json()["entity"]["retentionDays"], json!(null));
    assert_eq!(kept(json!({ "retentionDays": 400 })).await, json!(400));
    assert_eq!(kept(json!({ "name": "Shop" })).await, json!(400), "what is absent stays");
    assert_eq!(kept(json!({ "retentionDays": null })).await, json!(null));
    for wrong in [json!(0), json!(-1), json!(36_501), json!(1.5), json!("7"), json!(true)] {
        let reply = manager.ask(&house, "PATCH", "", json!({ "retentionDays": wrong })).await;
        assert_eq!((reply.status, pointers(&reply)), (400, vec!["/retentionDays".to_owned()]), "{wrong}");
    }
    let audited = "select count(*) from audit where action = 'project.change'
        and detail::text similar to '%retention = (400 days|for ever)%'";
    assert_eq!(house.number(audited).await, 2);
    house.stop().await;
}

#[tokio::test]
async fn a_bad_change_names_every_fault_and_changes_nothing() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let before = manager.get(&house, "").await.text;
    let change = json!({"name": "", "locale": "x y", "timezone": "Mars", "limits": {"nope": 1, "meta": 0}});
    let reply = manager.ask(&house, "PATCH", "", change).await;
    assert_eq!(pointers(&reply), ["/name", "/locale", "/timezone", "/limits/meta", "/limits/nope"]);
    assert_eq!(pointers(&manager.ask(&house, "PATCH", "", json!({"uid": "x"})).await), ["/uid"]);
    assert_eq!(pointers(&manager.ask(&house, "PATCH", "", json!({"name": 7})).await), ["/name"]);
    assert_eq!(manager.get(&house, "").await.text, before);
    house.stop().await;
}

#[tokio::test]
async fn a_deleted_project_is_gone_with_its_keys() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, other) = (house.inlet().await, house.inlet().await);
    let manager = Manager::of(&house, &inlet).await;
    let (_, everywhere) = house.product_token(None, &[Scope::AccountRead, Scope::ProjectRead]).await;
    let reply = manager.ask(&house, "DELETE", "", Value::Null).await;
    assert_eq!((reply.status, &reply.json()["entity"]["uid"]), (200, &json!(inlet.project)));
    assert_eq!(manager.get(&house, "").await.code(), "invalid_token");
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream")).await.code(), "invalid_token");
    assert_eq!(house.get(&everywhere, &format!("/v1/project/{}", inlet.project)).await.code(), "not_found");
    assert_eq!(house.get(&other.token, &other.path("/stream")).await.status, 200);
    house.stop().await;
}
