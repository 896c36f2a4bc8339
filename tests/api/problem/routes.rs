//! Paths and methods that no route has.

use tidegate::http::{problem::Code, routes::ROUTES};

use super::check;
use crate::{
    auth::path_of,
    support::{
        house::{Reply, TestHouse},
        postgres::TestDatabase,
    },
};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];

#[tokio::test]
async fn another_method_learns_which_ones_there_are() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    for route in ROUTES {
        let allowed: Vec<_> =
            ROUTES.iter().filter(|other| other.path == route.path).map(|other| other.method).collect();
        for method in METHODS.into_iter().filter(|method| !allowed.contains(method)) {
            let reply =
                Reply::of(house.request(method, &path_of(route, &inlet)).bearer_auth(&inlet.token)).await;
            assert_eq!((reply.status, reply.header("allow")), (405, allowed.join(", ").as_str()), "{method}");
            if method != "HEAD" {
                check(&reply, Code::MethodNotAllowed);
            }
            let unknown = Reply::of(house.request(method, &path_of(route, &inlet))).await;
            assert_eq!((unknown.status, unknown.header("allow")), (401, ""), "{method} {}", route.path);
        }
    }
    for path in ["/health/live", "/health/ready", "/docs/errors"] {
        let reply = Reply::of(house.request("POST", path)).await;
        check(&reply, Code::MethodNotAllowed);
        assert_eq!(reply.header("allow"), "GET");
    }
    house.stop().await;
}

#[tokio::test]
async fn below_v1_only_a_known_caller_learns_that_there_is_nothing() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let below = inlet.path("/stream/nothing");
    for path in ["/v1", "/v1/nothing", "/v1//project", &below, &inlet.path("/stream/contacts/a/b")] {
        check(&Reply::of(house.request("GET", path)).await, Code::MissingCredentials);
        check(&house.get("noise", path).await, Code::InvalidToken);
        check(&house.get(&inlet.token, path).await, Code::NotFound);
        check(&house.post(&inlet.token, path, &serde_json::json!([])).await, Code::NotFound);
    }
    house.stop().await;
}

#[tokio::test]
async fn elsewhere_nothing_is_nothing_for_everybody() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    for path in ["/", "/v2", "/v1x", "/favicon.ico", "/metrics", "/health", "/%00", "/docs/errors/x"] {
        for method in ["GET", "POST", "DELETE"] {
            check(&Reply::of(house.request(method, path)).await, Code::NotFound);
            check(&Reply::of(house.request(method, path).bearer_auth(&inlet.token)).await, Code::NotFound);
        }
    }
    house.stop().await;
}
