//! Valid keys: what lies outside their reach does not exist for them, what lies inside needs its scope.

use tidegate::{
    auth::scope::Scope,
    http::{action::Action, routes::ROUTES},
};

use super::{path_in, path_of, routes_of_a_datasource};
use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

const FAMILIES: [&str; 5] =
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit"];

async fn ask(house: &TestHouse, method: &str, path: &str, key: &str) -> Reply {
    Reply::of(house.request(method, path).bearer_auth(key).header("X-Request-Id", "fixed")).await
}

#[tokio::test]
async fn foreign_and_absent_targets_answer_alike() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (own, foreign) = (house.inlet().await, house.inlet().await);
    let sibling = house.datasource(&own.project, None, false, None).await;
    let (_, bound) = house.product_token(Some(&own.project), Scope::ALL).await;
    let absent = ("proj_absent".to_owned(), "ds_absent".to_owned());
    let outside = |route| {
        vec![
            path_in(route, &foreign.project, &foreign.datasource),
            path_in(route, &own.project, &foreign.datasource),
            path_in(route, &foreign.project, &own.datasource),
            path_in(route, &absent.0, &own.datasource),
            path_in(route, &own.project, &absent.1),
            path_in(route, &absent.0, &absent.1),
            path_in(route, &foreign.project, "dsapi"),
            path_in(route, "%2e", "dsapi"),
        ]
    };
    let mut bodies = Vec::new();
    for route in ROUTES.iter().filter(|route| route.path.contains("{project}")) {
        let of_project = !route.path.contains("{datasource}");
        let outside = |route| {
            let own = path_in(route, &own.project, &own.datasource);
            outside(route)
                .into_iter()
                .filter(move |path| !of_project || (*path != own && !path.contains("%2e")))
        };
        let mut paths: Vec<_> = outside(route).map(|path| (&own.token, path)).collect();
        paths.extend(outside(route).map(|path| (&bound, path)));
        paths.push((&own.token, path_in(route, &own.project, &sibling.datasource)));
        for (key, path) in paths {
            let reply = ask(&house, route.method, &path, key).await;
            assert_eq!(
                (reply.status, reply.header("www-authenticate")),
                (404, ""),
                "{} {path}",
                route.method
            );
            assert!(FAMILIES.iter().all(|name| !reply.header(name).is_empty()), "{:?}", reply.headers);
            bodies.push(reply.text);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    house.stop().await;
}

#[tokio::test]
async fn a_target_that_was_deleted_is_absent() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let (_, everywhere) = house.product_token(None, Scope::ALL).await;
    assert_eq!(house.get(&everywhere, &inlet.path("/stream")).await.status, 200);
    house.sql("update datasource set deleted_at = now()").await;
    house.state.authority.refresh().await.unwrap();
    assert_eq!(house.get(&everywhere, &inlet.path("/stream")).await.code(), "not_found");
    house.stop().await;
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    // A key without a user has nothing of its own to lack a scope for.
    let aims = ROUTES.iter().filter(|route| !matches!(route.action, Action::OfUser(_)));
    for (route, scope) in aims.filter_map(|route| Some((route, route.scope?))) {
        let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|other| *other != scope).collect();
        let (_, lacking) = house.product_token(Some(&inlet.project), &others).await;
        let reply = ask(&house, route.method, &path_of(route, &inlet), &lacking).await;
        let challenge =
            format!("Bearer realm=\"tidegate\", error=\"insufficient_scope\", scope=\"{}\"", scope.name());
        assert_eq!(
            (reply.status, reply.header("www-authenticate")),
            (403, challenge.as_str()),
            "{}",
            route.path
        );
        assert!(reply.json()["detail"].as_str().unwrap().contains(scope.name()));
        assert!(FAMILIES.iter().all(|name| !reply.header(name).is_empty()), "{:?}", reply.headers);
    }
    house.stop().await;
}

#[tokio::test]
async fn every_route_works_with_a_datasource_token() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    for route in routes_of_a_datasource() {
        let mut path = path_of(route, &inlet);
        if path.ends_with("/audit") {
            path += &crate::audit::around(&house);
        }
        let request = house.request(route.method, &path).bearer_auth(&inlet.token);
        let body = serde_json::json!([{"_user_id": "somebody", "_event_id": "e", "_event_type": "t"}]);
        let contact = serde_json::json!([{"_user_id": "somebody"}]);
        let body = if path.ends_with("/contacts") { contact } else { body };
        let reply = Reply::of(if route.method == "POST" { request.json(&body) } else { request }).await;
        if path.contains("event-parameters") && !path.ends_with("purchase") {
            assert_eq!(reply.code(), "event_type_missing");
            continue;
        }
        assert!(matches!(reply.status, 200 | 202), "{} {path}: {}", route.method, reply.text);
        assert!(reply.json().as_object().is_some_and(|object| !object.is_empty()), "{path}: {}", reply.text);
        assert_eq!(reply.header("content-type"), "application/json");
    }
    house.stop().await;
}

#[tokio::test]
async fn nothing_in_a_request_widens_the_reach() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (own, foreign) = (house.inlet().await, house.inlet().await);
    let path = format!("{}?project={}&datasource={}", foreign.path("/stream"), own.project, own.datasource);
    let request = house.request("GET", &path).bearer_auth(&own.token);
    let request = request.header("X-Project", &own.project).header("X-HTTP-Method-Override", "POST");
    let request = request.header("X-Original-URL", own.path("/stream")).header("X-Forwarded-Uri", "/");
    assert_eq!(Reply::of(request).await.status, 404);
    house.stop().await;
}
