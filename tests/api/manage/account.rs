//! `GET /v1/`: which projects a key reaches, and what it may do there.

use serde_json::json;
use tidegate::auth::scope::Scope;

use crate::support::{house::TestHouse, postgres::TestDatabase};

#[tokio::test]
async fn a_key_sees_the_projects_inside_its_reach() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (one, other) = (house.project().await, house.project().await);
    let (_, bound) = house.product_token(Some(&one), &[Scope::AccountRead, Scope::ProjectRead]).await;
    let (_, everywhere) = house.product_token(None, &[Scope::AccountRead]).await;
    let reply = house.get(&bound, "/v1/").await;
    assert_eq!(
        reply.json(),
        json!({
            "entity": {"projects": [{"uid": one, "name": "Project"}]},
            "metadata": {"scopes": ["ACCOUNT_READ", "PROJECT_READ"]},
        })
    );
    assert_eq!(reply.header("x-ratelimit-limit"), "6000");
    let seen = house.get(&everywhere, "/v1/").await.json();
    let uids: Vec<_> = seen["entity"]["projects"].as_array().unwrap().iter().map(|one| &one["uid"]).collect();
    assert_eq!(uids, [&json!(one), &json!(other)]);
    house.stop().await;
}

#[tokio::test]
async fn a_datasource_token_may_not_list() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    assert_eq!(house.get(&inlet.token, "/v1/").await.code(), "insufficient_scope");
    house.stop().await;
}
