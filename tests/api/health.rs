//! `/health`.

use serde_json::json;
use tidegate::{domain::clock::SystemClock, store::Database};

use crate::support::{
    house::{Reply, TestHouse, stations},
    postgres::TestDatabase,
    proxy::Proxy,
};

async fn ask(house: &TestHouse, path: &str) -> Reply {
    Reply::of(house.request("GET", path)).await
}

#[tokio::test]
async fn readiness_follows_the_store_and_life_does_not() {
    let database = TestDatabase::create().await;
    let road = Proxy::before(&database.config).await;
    let house = TestHouse::with(Database::new(road.config.clone()), stations(), SystemClock::shared()).await;
    let ready = ask(&house, "/health/ready").await;
    assert_eq!((ready.status, ready.json()), (200, json!({"status": "ready"})));
    road.close();
    let away = ask(&house, "/health/ready").await;
    assert_eq!((away.status, away.code().as_str()), (503, "store_unavailable"));
    assert!(away.header("retry-after").parse::<u64>().unwrap() >= 1);
    let live = ask(&house, "/health/live").await;
    assert_eq!((live.status, live.json()), (200, json!({"status": "live"})));
    road.reopen();
    house.state.ingest.connected().await;
    assert_eq!(ask(&house, "/health/ready").await.status, 200);
    house.stop().await;
}

#[tokio::test]
async fn a_database_without_its_migrations_is_not_ready() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    house.sql("delete from refinery_schema_history").await;
    let reply = ask(&house, "/health/ready").await;
    assert_eq!((reply.status, reply.json()["detail"].as_str()), (503, Some("migrations are pending")));
    house.stop().await;
}

/// A newer binary has migrated the database under a running server.
#[tokio::test]
async fn a_server_goes_on_after_migrations_that_add_and_says_so_when_it_no_longer_can() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let later = "insert into refinery_schema_history select 9999, 'later', applied_on, checksum
                 from refinery_schema_history limit 1;
                 alter table contact add column later int; alter table lot add column later int not null default 0;
                 alter table event add column later text; create table later (n int)";
    house.sql(later).await;
    assert_eq!(ask(&house, "/health/ready").await.status, 200);
    let body = json!([{"_user_id": "u"}]);
    let pushed = house.post(&inlet.token, &inlet.path("/stream/contacts"), &body).await;
    assert_eq!((pushed.status, pushed.outcomes()), (202, vec!["created".to_owned()]));

    house.sql("update schema_floor set version = 9999").await;
    let reply = ask(&house, "/health/ready").await;
    let detail = "the database was migrated beyond this server";
    assert_eq!((reply.status, reply.json()["detail"].as_str()), (503, Some(detail)));
    assert_eq!(ask(&house, "/health/live").await.status, 200);
    house.stop().await;
}

#[tokio::test]
async fn a_server_about_to_end_is_not_ready_but_serves_until_it_drains() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    house.state.traffic.leave();
    let ready = ask(&house, "/health/ready").await;
    assert_eq!((ready.status, ready.code().as_str()), (503, "draining"));
    assert_eq!(ask(&house, "/health/live").await.status, 200);
    let body = json!([{"_user_id": "u"}]);
    let pushed = house.post(&inlet.token, &inlet.path("/stream/contacts"), &body).await;
    assert_eq!((pushed.status, pushed.header("connection")), (202, "close"));
    house.state.traffic.drain();
    let refused = house.post(&inlet.token, &inlet.path("/stream/contacts"), &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "draining"));
    house.stop().await;
}

#[tokio::test]
async fn a_push_in_flight_is_answered_although_the_server_ends() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let mut blocker = database.client().await;
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("lock table contact in access exclusive mode").await.unwrap();
    let state = house.state.clone();
    let request = house.request("POST", &inlet.path("/stream/contacts")).bearer_auth(&inlet.token);
    let pushing = tokio::spawn(Reply::of(request.json(&json!([{"_user_id": "u"}]))));
    within("the push waits for a lane", || state.ingest.depth().0 > 0).await;
    let ending = tokio::spawn(house.stop());
    within("the server drains", || state.traffic.is_draining()).await;
    lock.rollback().await.unwrap();
    let reply = pushing.await.unwrap();
    assert_eq!((reply.status, reply.outcomes()), (202, vec!["created".to_owned()]));
    ending.await.unwrap();
}

#[tokio::test]
async fn what_was_counted_is_written_before_the_end() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    house.post(&inlet.token, &inlet.path("/stream/contacts"), &json!([{"_user_id": "u"}, {}])).await;
    house.stop().await;
    let client = database.client().await;
    let row =
        client.query_one("select entities_success, entities_failures from usage_total", &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1, 1));
    let kept = client.query_one("select kind, pointer, excerpt from rejected_item", &[]).await.unwrap();
    assert_eq!((kept.get(0), kept.get(1), kept.get(2)), ("contact", "/_user_id", "{}"));
}

#[tokio::test]
async fn keys_hold_while_the_store_is_away() {
    let database = TestDatabase::create().await;
    let road = Proxy::before(&database.config).await;
    let house = TestHouse::with(Database::new(road.config.clone()), stations(), SystemClock::shared()).await;
    let inlet = house.inlet().await;
    road.close();
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream/specs/attributes")).await.status, 200);
    assert_eq!(house.get("noise", &inlet.path("/stream/specs/attributes")).await.status, 401);
    road.reopen();
    house.stop().await;
}

/// Waits for a condition, for ten seconds at the most.
async fn within(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    assert!(
        tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await.is_ok(),
        "{what}: not in time"
    );
}
