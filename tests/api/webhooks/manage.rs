//! Endpoints: made, listed, read, changed, deleted, by those who may.

use serde_json::{Value, json};
use tidegate::{
    auth::{Vault, scope::Scope},
    config::Stations,
    domain::clock::SystemClock,
    http::problem::Code,
};

use super::{Scene, brisk};
use crate::{
    manage::pointers,
    support::{
        house::{Inlet, Reply, TestHouse, stations, vault},
        receiver::Receiver,
    },
};

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_deleted() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    let body = json!({ "url": receiver.url(), "types": ["purchase", "contact.*"], "description": " CRM ", "enabled": false });
    let made = scene.ask("POST", "", body).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.text);
    let made = made.json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_") && secret.len() == 50 && secret.ends_with('='));
    let read = scene.read(id).await;
    assert_eq!(read["secret"], Value::Null, "never again");
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(read, shown);
    assert_eq!(
        (
            &read["url"],
            &read["types"],
            &read["description"],
            &read["state"],
            &read["parallel"],
            &read["datasources"]
        ),
        (
            &json!(receiver.url()),
            &json!(["purchase", "contact.*"]),
            &json!("CRM"),
            &json!("disabled"),
            &json!(1),
            &Value::Null
        )
    );
    let changed = scene
        .ask("PATCH", &format!("/{id}"), json!({
            "types": [], "datasources": [scene.inlet.datasource], "enabled": true, "parallel": 4.0, "description": ""
        }))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let entity = changed.json()["entity"].clone();
    assert_eq!(
        (&entity["types"], &entity["datasources"], &entity["state"], &entity["parallel"]),
        (&json!([]), &json!([scene.inlet.datasource]), &json!("active"), &json!(4))
    );
    let changed = scene.ask("PATCH", &format!("/{id}"), json!({ "datasources": null })).await.json();
    assert_eq!(
        (&changed["entity"]["datasources"], &changed["entity"]["parallel"]),
        (&Value::Null, &json!(4))
    );
    assert_eq!(scene.list("").await.len(), 1);
    deleted(&scene, id, secret).await;
    scene.house.stop().await;
}

/// Deletes one, of which the audit has told everything but what is secret.
async fn deleted(scene: &Scene, id: &str, secret: &str) {
    let deleted = scene.ask("DELETE", &format!("/{id}"), Value::Null).await;
    assert_eq!((deleted.status, deleted.json()["entity"]["id"].as_str()), (200, Some(id)));
    assert_eq!(scene.ask("DELETE", &format!("/{id}"), Value::Null).await.status, 404);
    assert!(scene.list("").await.is_empty());
    for action in ["create", "change", "delete"] {
        let lines = format!(
            "select count(*) from audit where action = 'webhook.{action}' and subject = '{id}' and project_id is not null"
        );
        assert!(scene.house.number(&lines).await >= 1, "{action}");
    }
    let leaked = format!(
        "select count(*) from audit a where position('{secret}' in a::text) > 0 or position('hidden' in a::text) > 0"
    );
    assert_eq!(scene.house.number(&leaked).await, 0);
}

#[tokio::test]
async fn what_breaks_a_rule_is_named() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    let url = receiver.url();
    for (body, wanted) in [
        (json!({ "url": "x" }), "/url"),
        (json!({ "url": url, "types": ["a", "b*c"] }), "/types/1"),
        (json!({ "url": url, "types": [""] }), "/types/0"),
        (json!({ "url": url, "datasources": ["ds_other"] }), "/datasources/0"),
        (json!({ "url": url, "datasources": [] }), "/datasources"),
        (json!({ "url": url, "parallel": 0 }), "/parallel"),
        (json!({ "url": url, "parallel": 65 }), "/parallel"),
        (json!({ "url": url, "description": "a\u{7}" }), "/description"),
        (json!({ "url": url, "secret": "whsec_x" }), "/secret"),
        (json!({ "url": 7 }), "/url"),
        (json!({}), ""),
    ] {
        assert_eq!(pointers(&scene.ask("POST", "", body.clone()).await), [wanted], "{body}");
    }
    let (id, _) = scene.hook_to(&receiver).await;
    for (body, wanted) in [
        (json!({ "secret": "whsec_x" }), "/secret"),
        (json!({ "url": "x" }), "/url"),
        (json!({ "parallel": -1 }), "/parallel"),
        (json!({ "datasources": ["ds_other"] }), "/datasources/0"),
        (json!({ "datasources": [] }), "/datasources"),
    ] {
        assert_eq!(pointers(&scene.ask("PATCH", &format!("/{id}"), body.clone()).await), [wanted], "{body}");
    }
    for id in ["nothing", "00000000-0000-4000-8000-000000000000"] {
        let reply = scene.ask("GET", &format!("/{id}"), Value::Null).await;
        assert_eq!((reply.status, reply.code().as_str()), (404, "webhook_not_found"));
    }
    // One of another project is none of this one.
    let other = scene.house.inlet().await;
    let path = format!("/v1/project/{}/webhooks/{id}", other.project);
    let (_, all) = scene.house.product_token(None, Scope::ALL).await;
    assert_eq!(scene.house.get(&all, &path).await.code(), "webhook_not_found");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(scene.hook(json!({ "url": receiver.url(), "enabled": false })).await.0);
    }
    let (mut read, mut after) = (Vec::new(), String::new());
    loop {
        let page = scene.ask("GET", &format!("?limit=2{after}"), Value::Null).await.json();
        let some = page["entities"].as_array().unwrap();
        read.extend(some.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["metadata"]["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(read, made);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_lost_secret_key_is_a_state_and_a_rotation_goes_on() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    let (id, _) = scene.hook(json!({ "url": receiver.url(), "enabled": false })).await;
    let stations = Stations { vault: vault("0f"), webhooks: brisk(), ..stations() };
    let other = TestHouse::with(scene.house.database.clone(), stations, SystemClock::shared()).await;
    let path = format!("/v1/project/{}/webhooks/{id}", scene.inlet.project);
    let enabled = Reply::of(
        other.request("PATCH", &path).bearer_auth(&scene.manager).json(&json!({ "enabled": true })),
    )
    .await;
    assert_eq!(enabled.json()["entity"]["state"], "secret-lost", "{}", enabled.text);
    let ask = async |rest: &str| {
        Reply::of(other.request("POST", &format!("{path}{rest}")).bearer_auth(&scene.manager)).await
    };
    assert_eq!(ask("/test").await.code(), "not_retrievable");
    assert_eq!(receiver.connections(), 0);
    let rotated = ask("/secret/rotate").await;
    assert_eq!((rotated.status, rotated.json()["state"].as_str()), (200, Some("active")), "{}", rotated.text);
    assert_eq!(ask("/test").await.json()["entity"]["status"], 204);
    other.stop().await;
    let without = Stations { vault: Vault::Nowhere, ..self::stations() };
    let without = TestHouse::with(scene.house.database.clone(), without, SystemClock::shared()).await;
    let path = format!("/v1/project/{}/webhooks", scene.inlet.project);
    let refused = without.post(&scene.manager, &path, &json!({ "url": "https://hooks.invalid/" })).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "no_secret_key"));
    without.stop().await;
    scene.house.stop().await;
}

/// One request for each code that only webhooks can meet.
pub async fn provoke(house: &TestHouse, inlet: &Inlet, code: Code) -> Reply {
    let (_, key) = house.product_token(Some(&inlet.project), Scope::ALL).await;
    let path = format!("/v1/project/{}/webhooks", inlet.project);
    let body = json!({ "url": "https://hooks.invalid/", "enabled": false });
    let nobody = "00000000-0000-4000-8000-000000000000";
    match code {
        Code::WebhookNotFound => house.get(&key, &format!("{path}/{nobody}")).await,
        Code::MessageNotFound => {
            let id = house.post(&key, &path, &body).await.json()["id"].as_str().unwrap().to_owned();
            let message = tidegate::domain::cursor::Cursor { epoch: 1, tx: 1, id: 1 }.encode();
            let body = json!({ "message": format!("msg_{message}") });
            house.post(&key, &format!("{path}/{id}/replay"), &body).await
        }
        _ => {
            let inlet = house.inlet().await;
            let (_, key) = house.product_token(Some(&inlet.project), Scope::ALL).await;
            house
                .sql(&format!(
                    "insert into webhook (id, project_id, url, types, description, enabled, parallel, whole, sealed, created_by, epoch, tx, item)
                     select gen_random_uuid(), p.id, 'https://hooks.invalid/', '{{}}', '', false, 1, false, '', 'test', 0, 0, 0
                     from project p, generate_series(1, 100) where p.uid = '{}'",
                    inlet.project
                ))
                .await;
            house.post(&key, &format!("/v1/project/{}/webhooks", inlet.project), &body).await
        }
    }
}
