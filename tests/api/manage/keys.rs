//! Keys of a project over HTTP: made within what the caller may, listed in pages, renamed, ended.

use serde_json::{Value, json};
use tidegate::{auth::scope::Scope, http::problem::Code, store::keys::End};

use super::{Manager, pointers};
use crate::{
    metrics::until,
    support::{
        house::{Inlet, Reply, TestHouse},
        postgres::TestDatabase,
        socket::Socket,
    },
};

/// The row of an instance key that nobody has the text of.
pub async fn instance_key(house: &TestHouse, inlet: &Inlet) -> String {
    let id = uuid::Uuid::from_u128(0x1057_a9ce);
    house
        .sql(&format!(
            "insert into key (id, kind, hash, prefix, name, scopes, sealed, organization_id, project_id, created_by)
             select '{id}', 'instance', sha256('{0}'), 'instance_abcd', 'Instance key', '{{PROJECT_READ}}', '\\x00',
                    organization_id, id, 'test' from project where uid = '{0}'",
            inlet.project
        ))
        .await;
    id.to_string()
}

/// A request that meets one of the codes of keys.
pub async fn provoke(house: &TestHouse, inlet: &Inlet, code: Code) -> Reply {
    let manager = Manager::of(house, inlet).await;
    match code {
        Code::KeyNotFound => manager.get(house, "/keys/none").await,
        Code::NameFixed => {
            let id = instance_key(house, inlet).await;
            manager.ask(house, "PATCH", &format!("/keys/{id}"), json!({"name": "x"})).await
        }
        _ => {
            let (id, _) = house.product_token(Some(&inlet.project), &[Scope::ProjectRead]).await;
            manager.ask(house, "POST", &format!("/keys/{id}/revoke"), Value::Null).await;
            manager.ask(house, "POST", &format!("/keys/{id}/rotate"), json!({})).await
        }
    }
}

fn names(page: &Value) -> Vec<&str> {
    page["entities"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_opens_what_it_was_made_for() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let scopes = [Scope::ProjectManage, Scope::ProjectIngestRead, Scope::ProjectIngestWrite];
    let (_, key) = house.product_token(Some(&inlet.project), &scopes).await;
    let manager = Manager { key, base: format!("/v1/project/{}", inlet.project) };
    let body = json!({"kind": "datasource", "name": " crm ", "datasourceUid": inlet.datasource});
    let made = manager.ask(&house, "POST", "/keys", body).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.text);
    let mut entity = made.json()["entity"].clone();
    let text = entity.as_object_mut().unwrap().remove("key").unwrap();
    let text = text.as_str().unwrap();
    assert!(text.starts_with(entity["prefix"].as_str().unwrap()), "{entity}");
    assert_eq!(house.get(text, &inlet.path("/stream")).await.status, 200);
    assert_eq!(house.get(text, &inlet.path("")).await.status, 403);
    let wanted = json!(["datasource", "crm", "live", inlet.project, inlet.datasource, null, null]);
    let of = |name: &str| entity[name].clone();
    let seen = ["kind", "name", "state", "projectUid", "datasourceUid", "lastUsedAt", "role"].map(of);
    assert_eq!(json!(seen), wanted);
    assert!(entity["createdBy"].as_str().unwrap().starts_with("product key "), "{entity}");
    let path = format!("/keys/{}", entity["id"].as_str().unwrap());
    let read = manager.get(&house, &path).await;
    assert_eq!(read.json(), json!({ "entity": entity }), "everything but the text");
    let listed = manager.get(&house, "/keys").await;
    assert!(!listed.text.contains(text) && listed.json()["entities"].as_array().unwrap().contains(&entity));
    house.stop().await;
}

#[tokio::test]
async fn nobody_makes_a_key_that_may_do_more_than_they() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    for (body, scope) in [
        (
            json!({"kind": "product", "name": "x", "scopes": ["PROJECT_READ", "PROJECT_STREAM_READ"]}),
            "PROJECT_STREAM_READ",
        ),
        (
            json!({"kind": "datasource", "name": "x", "datasourceUid": inlet.datasource}),
            "PROJECT_INGEST_READ",
        ),
    ] {
        let reply = manager.ask(&house, "POST", "/keys", body).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "insufficient_scope"), "{}", reply.text);
        assert!(reply.header("www-authenticate").ends_with(&format!("scope=\"{scope}\"")));
    }
    let rotate = format!("/keys/{}/rotate", inlet.key_id);
    let reply = manager.ask(&house, "POST", &rotate, json!({})).await;
    assert_eq!(reply.code(), "insufficient_scope", "its successor would read and write");
    let fine = json!({"kind": "product", "name": "x", "scopes": ["PROJECT_MANAGE"]});
    assert_eq!(manager.ask(&house, "POST", "/keys", fine).await.status, 201);
    house.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_named() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, other) = (house.inlet().await, house.inlet().await);
    let manager = Manager::of(&house, &inlet).await;
    let all = json!({"kind": "personal", "name": ""});
    assert_eq!(pointers(&manager.ask(&house, "POST", "/keys", all).await), ["/kind", "/name"]);
    for (body, pointer) in [
        (json!({"kind": "product", "name": "x"}), "/scopes"),
        (json!({"kind": "product", "name": "x", "scopes": []}), "/scopes"),
        (json!({"kind": "product", "name": "x", "scopes": ["PROJECT_READ", "ALL"]}), "/scopes/1"),
        (
            json!({"kind": "product", "name": "x", "scopes": ["PROJECT_READ"], "datasourceUid": "d"}),
            "/datasourceUid",
        ),
        (json!({"kind": "datasource", "name": "x"}), "/datasourceUid"),
        (json!({"kind": "datasource", "name": "x", "datasourceUid": other.datasource}), "/datasourceUid"),
        (
            json!({"kind": "datasource", "name": "x", "datasourceUid": inlet.datasource, "scopes": []}),
            "/scopes",
        ),
        (json!({"kind": "product", "name": "x", "scopes": ["PROJECT_READ"], "expires": 1}), "/expires"),
    ] {
        assert_eq!(pointers(&manager.ask(&house, "POST", "/keys", body).await), [pointer]);
    }
    let own = format!("/keys/{}", inlet.key_id);
    assert_eq!(
        pointers(&manager.ask(&house, "PATCH", &own, json!({"name": "x", "scopes": []})).await),
        ["/scopes"]
    );
    house.stop().await;
}

#[tokio::test]
async fn keys_are_listed_in_pages_and_those_of_others_are_absent() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, other) = (house.inlet().await, house.inlet().await);
    // Bound to the datasource alone, and so to its project.
    house.sql(&format!("update key set project_id = null where id = '{}'", inlet.key_id)).await;
    house.product_token(None, &[Scope::ProjectRead]).await;
    let manager = Manager::of(&house, &inlet).await;
    for name in ["a", "b", "c"] {
        let body = json!({"kind": "product", "name": name, "scopes": ["PROJECT_READ"]});
        assert_eq!(manager.ask(&house, "POST", "/keys", body).await.status, 201);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = manager.get(&house, &format!("/keys?limit=2{after}")).await.json();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        pages += 1;
        match page["metadata"]["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!((seen.join(" "), pages), ("First token Product a b c".into(), 3));
    let foreign = format!("/keys/{}", other.key_id);
    for (method, rest, body) in [
        ("GET", "", Value::Null),
        ("PATCH", "", json!({"name": "x"})),
        ("DELETE", "", Value::Null),
        ("POST", "/revoke", Value::Null),
        ("POST", "/rotate", json!({})),
    ] {
        let absent = manager.ask(&house, method, &format!("{foreign}{rest}"), body).await;
        assert_eq!((absent.status, absent.code().as_str()), (404, "key_not_found"), "{method} {rest}");
    }
    assert_eq!(house.get(&other.token, &other.path("/stream")).await.status, 200);
    for (query, code) in [
        ("?limit=0", "invalid_parameter"),
        ("?limit=101", "invalid_parameter"),
        ("?after=x", "invalid_cursor"),
        ("?after=AQAAAAAAAAAAAAAAAAAAAAAAAAAA", "invalid_cursor"),
    ] {
        assert_eq!(manager.get(&house, &format!("/keys{query}")).await.code(), code, "{query}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_key_is_renamed_revoked_and_deleted() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let own = format!("/keys/{}", inlet.key_id);
    let renamed = manager.ask(&house, "PATCH", &own, json!({"name": "Till"})).await;
    assert_eq!((renamed.status, &renamed.json()["entity"]["name"]), (200, &json!("Till")));
    let probe = house.get(&inlet.token, &inlet.path("/stream")).await;
    assert_eq!(probe.json()["token"]["name"], "Till", "in force at once");
    for _ in 0..2 {
        let revoked = manager.ask(&house, "POST", &format!("{own}/revoke"), Value::Null).await;
        assert_eq!((revoked.status, &revoked.json()["entity"]["state"]), (200, &json!("revoked")));
        assert_eq!(house.get(&inlet.token, &inlet.path("/stream")).await.code(), "invalid_token");
    }
    let page = manager.get(&house, "/keys").await.json();
    assert_eq!(names(&page), ["Till", "Product"], "it stays listed");
    assert_eq!(manager.ask(&house, "DELETE", &own, Value::Null).await.status, 200);
    assert_eq!(names(&manager.get(&house, "/keys").await.json()), ["Product"]);
    assert_eq!(manager.ask(&house, "DELETE", &own, Value::Null).await.code(), "key_not_found");
    house.stop().await;
}

/// The key is looked at once more when the body is there, which may take a while.
#[tokio::test]
async fn a_key_that_ends_while_its_body_comes_makes_none() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let (id, manager) = house.product_token(Some(&inlet.project), Scope::ALL).await;
    let body = json!({ "kind": "datasource", "name": "late", "datasourceUid": inlet.datasource }).to_string();
    let mut socket = Socket::open(&house).await;
    let lines = [
        format!("Authorization: Bearer {manager}"),
        "Content-Type: application/json".to_owned(),
        format!("Content-Length: {}", body.len()),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    socket.head("POST", &format!("/v1/project/{}/keys", inlet.project), &lines).await;
    let (most, last) = body.split_at(body.len() - 1);
    socket.send(most).await;
    until(async || house.state.traffic.in_flight() == 1).await;
    house.end_key(id, End::Revoke).await;
    socket.send(last).await;
    let reply = socket.reply().await;
    assert_eq!((reply.status, reply.code().as_str()), (401, "invalid_token"), "{}", reply.text);
    assert!(reply.rate_headers().is_empty(), "{:?}", reply.rate_headers());
    assert_eq!(house.number("select count(*) from key where name = 'late'").await, 0);
    house.stop().await;
}
