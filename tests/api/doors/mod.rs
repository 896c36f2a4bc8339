//! The doors: the same contacts, events, keys and limits in the shapes of other APIs. A file for each, which walks its whole life as
//! a client would, and here what holds for all of them.

mod core;

mod events;

mod personal;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tidegate::{
    auth::{
        scope::{Role, Scope},
        single::Single,
        text::Kind,
    },
    http::{
        action::Action,
        doors::Door,
        routes::{DOORS, Route},
    },
};

use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

/// Sends a key without a scheme.
pub fn raw(request: RequestBuilder, key: &str) -> RequestBuilder {
    request.header("Authorization", key)
}

/// A request with a key without a scheme, and a JSON body where one is given.
pub async fn ask(house: &TestHouse, key: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
    let request = raw(house.request(method, path), key);
    Reply::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

/// The ids that a list gives, and how many there are in all.
pub fn listed(reply: &Reply, id: &str) -> (Vec<String>, i64) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answer = reply.json();
    let results = answer["results"].as_array().unwrap();
    let ids = results.iter().map(|one| one[id].as_str().unwrap().to_owned()).collect();
    (ids, answer["total_entries"].as_i64().unwrap())
}

fn path(route: &Route) -> String {
    route.path.replace("{uuid}", "00000000-0000-4000-8000-000000000000")
}

fn door(route: &Route) -> Door {
    match route.action {
        Action::AtDoor(door, _) => door,
        other => panic!("{} is no door: {other:?}", route.path),
    }
}

/// A live key of a kind that reaches a project.
async fn key_of(house: &TestHouse, project: &str, kind: Kind) -> String {
    match kind {
        Kind::Datasource => house.datasource(project, None, false, None).await.token,
        Kind::Product => house.product_token(Some(project), Scope::ALL).await.1,
        Kind::Personal => {
            let user = house.user(Role::FullAccess, Some(&[project.to_owned()])).await;
            house.personal_key(&user, Role::FullAccess).await.1
        }
        Kind::Instance => house.single_key(project, Single::Instance).await,
        Kind::EventStream => house.single_key(project, Single::EventStream).await,
    }
}

/// Ends every key of a project.
async fn end_all(house: &TestHouse) {
    house.sql("update key set revoked_at = now()").await;
    house.state.authority.refresh().await.unwrap();
}

#[tokio::test]
async fn only_live_keys_of_its_kinds_open_a_door() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let project = house.inlet().await.project;
    for kind in Kind::ALL {
        let key = key_of(&house, &project, kind).await;
        for route in DOORS {
            let what = format!("{kind:?} on {} {}", route.method, route.path);
            let request = || house.request(route.method, &path(route));
            let reply = Reply::of(request().bearer_auth(&key)).await;
            let scoped = kind
                .fixed_scopes()
                .is_none_or(|scopes| route.scope.is_none_or(|scope| scopes.contains(scope)));
            if !door(route).takes(kind) {
                assert_eq!(reply.status, 401, "{what}: {}", reply.text);
                assert!(reply.rate_headers().is_empty(), "{what}");
            } else if scoped {
                assert!(!matches!(reply.status, 401 | 403) && reply.status < 500, "{what}: {}", reply.text);
                assert!(reply.status != 404 || route.path.contains('{'), "{what}: {}", reply.text);
                assert_eq!(reply.header("x-ratelimit-limit"), limit_of(route), "{what}");
            } else {
                assert_eq!(reply.status, 403, "{what}: {}", reply.text);
            }
            let none = Reply::of(request()).await;
            assert_eq!(
                (none.status, none.header("www-authenticate")),
                (401, "Bearer realm=\"tidegate\""),
                "{what}"
            );
            let two = request().bearer_auth(&key).header("Authorization", format!("Bearer {key}"));
            assert_eq!(Reply::of(two).await.status, 400, "{what}");
            let leaked = house.request(route.method, &format!("{}?api_key={key}", path(route)));
            let leaked = Reply::of(leaked).await;
            let expected = match kind {
                Kind::EventStream => 400,
                Kind::Personal => reply.status,
                _ => 401,
            };
            assert_eq!(leaked.status, expected, "{what} in the URL: {}", leaked.text);
            assert_ne!(reply.header("content-type"), "application/problem+json", "{what}");
        }
        end_all(&house).await;
        for route in DOORS {
            let reply = Reply::of(house.request(route.method, &path(route)).bearer_auth(&key)).await;
            assert_eq!(reply.status, 401, "{kind:?} revoked on {}", route.path);
            assert!(!reply.header("x-request-id").is_empty());
        }
    }
    house.stop().await;
}

fn limit_of(route: &Route) -> &'static str {
    if route.class.name().starts_with("door.") { "300" } else { "6000" }
}

#[tokio::test]
async fn a_door_sees_its_own_project_alone_and_has_its_own_budget() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (own, foreign) = (house.project().await, house.project().await);
    house.state.authority.refresh().await.unwrap();
    let key = house.single_key(&own, Single::Instance).await;
    let other = house.single_key(&foreign, Single::Instance).await;
    let made = ask(&house, &key, "POST", "/crm/api/v2/contacts", Some(json!({"email": "a@b.de"}))).await;
    let uuid = made.json()["uuid"].as_str().unwrap().to_owned();
    let contact = format!("/crm/api/v2/contacts/{uuid}");
    assert_eq!(ask(&house, &key, "GET", &contact, None).await.status, 200);
    for method in ["GET", "PATCH", "DELETE"] {
        // Neither does naming the other project help: the key does.
        let path = format!("{contact}?project={own}");
        assert_eq!(ask(&house, &other, method, &path, Some(json!({}))).await.status, 404, "{method}");
    }
    assert_eq!(listed(&ask(&house, &other, "GET", "/crm/api/v2/contacts", None).await, "uuid").1, 0);

    house.sql(&format!("update project set limits = '{{\"door.core\": 1}}' where uid = '{own}'")).await;
    house.state.authority.refresh().await.unwrap();
    let spent = loop {
        let reply = ask(&house, &key, "GET", &contact, None).await;
        if reply.status != 200 {
            break reply;
        }
    };
    assert_eq!((spent.status, spent.header("ratelimit-policy")), (429, "\"door.core\";q=1;w=60"));
    assert_eq!(spent.json()["errors"][0]["code"], "rate_limited");
    assert!(spent.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(ask(&house, &other, "GET", "/crm/api/v2/contacts", None).await.status, 200);
    house.stop().await;
}

#[tokio::test]
async fn a_regenerated_key_opens_nothing_any_more() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let project = house.inlet().await.project;
    let user = house.user(Role::FullAccess, None).await;
    let (_, key) = house.personal_key(&user, Role::FullAccess).await;
    let instance = house.single_key(&project, Single::Instance).await;
    let again = format!("/v1/project/{project}/instance-key/regenerate");
    let fresh =
        house.post(&key, &again, &json!({})).await.json()["entity"]["key"].as_str().unwrap().to_owned();
    let old = ask(&house, &instance, "GET", "/crm/api/v2/contacts", None).await;
    let body = json!({"error": "unauthorized", "message": "Invalid or revoked API key", "type": "authentication_error"});
    assert_eq!((old.status, old.json()), (401, body));
    assert_eq!(ask(&house, &fresh, "GET", "/crm/api/v2/contacts", None).await.status, 200);
    house.stop().await;
}
