//! What is noted about the use of keys.

use std::time::Duration;

use serde_json::json;
use tidegate::{
    auth::scope::Scope,
    domain::clock::{FakeClock, SystemClock},
    store::Database,
};

use crate::{
    metrics::until,
    support::{
        house::{Reply, TestHouse, stations},
        postgres::TestDatabase,
    },
};

/// What each key was last used by, in the order of the keys' names.
async fn agents(database: &TestDatabase) -> Vec<(String, String, String)> {
    let query =
        "select k.name, u.address, u.user_agent from key_use u join key k on k.id = u.key_id order by 1";
    let rows = database.client().await.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn whoever_is_let_in_is_noted_and_nobody_else() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let (_, poor) = house.product_token(Some(&inlet.project), &[Scope::AccountRead]).await;
    let (revoked, dead) = house.product_token(None, &[Scope::AccountRead]).await;
    house.end_key(revoked, tidegate::store::keys::End::Revoke).await;
    let ask = async |key: &str, path: &str, agent: &str| {
        Reply::of(house.request("GET", path).bearer_auth(key).header("User-Agent", agent)).await.status
    };
    assert_eq!(ask(&poor, &inlet.path("/stream"), "refused/1").await, 403);
    assert_eq!(ask(&poor, &inlet.path("/stream"), "again/1").await, 403);
    assert_eq!(ask(&inlet.token, "/v1/nothing", "lost/1").await, 404);
    assert_eq!(ask(&dead, "/v1/", "dead/1").await, 401);
    house.stop().await;
    let used = |name: &str, agent: &str| (name.to_owned(), "127.0.0.0/24".to_owned(), agent.to_owned());
    assert_eq!(agents(&database).await, [used("First token", "lost/1"), used("Product", "refused/1")]);
}

#[tokio::test]
async fn a_busy_key_costs_one_write_a_minute() {
    let database = TestDatabase::create().await;
    let clock = FakeClock::at(SystemClock::shared().now());
    let house = TestHouse::with(Database::new(database.config.clone()), stations(), clock.clone()).await;
    let inlet = house.inlet().await;
    house
        .sql(
            "create table written ();
             create function count_it() returns trigger language plpgsql as
                 $$ begin insert into written default values; return new; end $$;
             create trigger count_it after insert or update on key_use for each row execute function count_it();",
        )
        .await;
    let written = async || house.number("select count(*) from written").await;
    let push = async |times: usize| {
        for _ in 0..times {
            assert_eq!(house.post(&inlet.token, &inlet.path("/stream/events"), &json!([])).await.status, 400);
        }
    };
    push(200).await;
    until(async || written().await == 1).await;
    clock.advance(Duration::from_secs(1));
    push(200).await;
    assert_eq!(written().await, 1, "the minute is not over");
    clock.advance(Duration::from_secs(59));
    until(async || written().await == 2).await;
    house.stop().await;
}
