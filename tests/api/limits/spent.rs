//! A spent budget: nothing is stored, and the wait that is asked for is exactly enough.

use serde_json::json;
use tidegate::{
    domain::{budget::Class, settings::DatasourcePatch},
    store::{audit::Actor, datasources},
};

use super::{at_noon, push, said, seconds, stored};
use crate::support::{house::TestHouse, postgres::TestDatabase, socket::Socket};

#[tokio::test]
async fn after_exactly_the_wait_the_same_request_passes() {
    let database = TestDatabase::create().await;
    let (house, clock) = at_noon(&database).await;
    let inlet = house.inlet().await;
    for limit in [1, 2, 7, 60, 61] {
        let name = format!("events {limit}");
        clock.advance(seconds(3_600));
        house.limit(&inlet.datasource, "events.write", limit).await;
        for spent in 0..limit {
            assert_eq!(push(&house, &inlet, &format!("{name} {spent}")).await.status, 202);
        }
        let before = stored(&house).await;
        let refused = push(&house, &inlet, "late").await;
        assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"), "{name}");
        assert_eq!(said(&refused).remaining, 0);
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert_eq!(wait, 60_u64.div_ceil(u64::from(limit)), "{name}");
        clock.advance(seconds(wait - 1));
        assert_eq!(push(&house, &inlet, "late").await.status, 429, "{name}: a second early");
        assert_eq!(stored(&house).await, before, "a refused request stores nothing");
        clock.advance(seconds(1));
        assert_eq!(push(&house, &inlet, "late").await.status, 202, "{name}: in time");
        assert_eq!(push(&house, &inlet, "late").await.status, 429, "{name}");
    }
    house.stop().await;
}

#[tokio::test]
async fn waiting_is_counted_down_and_refusals_cost_nothing() {
    let database = TestDatabase::create().await;
    let (house, clock) = at_noon(&database).await;
    let inlet = house.inlet().await;
    house.limit(&inlet.datasource, "events.write", 1).await;
    push(&house, &inlet, "a").await;
    for left in (1..=60).rev() {
        let refused = push(&house, &inlet, "b").await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, left.to_string().as_str()));
        clock.advance(seconds(1));
    }
    assert_eq!(push(&house, &inlet, "b").await.status, 202);
    house.stop().await;
}

#[tokio::test]
async fn a_whole_budget_lets_its_limit_through_at_once_and_no_more() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    house.limit(&inlet.datasource, "events.write", 20).await;
    let pushes = (0..30).map(|at| {
        let (house, inlet) = (&house, &inlet);
        async move { push(house, inlet, &at.to_string()).await.status }
    });
    let answers = futures_util::future::join_all(pushes).await;
    assert_eq!(answers.iter().filter(|status| **status == 202).count(), 20, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 10, "{answers:?}");
    assert_eq!(stored(&house).await, 20);
    house.stop().await;
}

#[tokio::test]
async fn a_changed_limit_keeps_the_spent_proportion() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    house.limit(&inlet.datasource, "events.write", 10).await;
    for at in 0..5 {
        push(&house, &inlet, &at.to_string()).await;
    }
    house.limit(&inlet.datasource, "events.write", 100).await;
    let wider = said(&push(&house, &inlet, "wider").await);
    assert_eq!((wider.limit, wider.remaining), (100, 49), "half of it was spent, and one more");
    house.limit(&inlet.datasource, "events.write", 4).await;
    let narrower = said(&push(&house, &inlet, "narrower").await);
    assert_eq!((narrower.limit, narrower.remaining), (4, 0), "51 % and a quarter: no whole one is left");
    assert_eq!(push(&house, &inlet, "more").await.status, 429);
    house.limit(&inlet.datasource, "events.write", 1_000_000_000).await;
    let widest = said(&push(&house, &inlet, "widest").await);
    assert!((230_000_000..250_000_000).contains(&widest.remaining), "{widest:?}");
    house.stop().await;
}

#[tokio::test]
async fn an_override_and_its_end_are_in_force_at_once() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    let mut client = house.database.connect(tidegate::store::Role::Command).await.unwrap();
    let limits = [(Class::Meta, Some(3))].into();
    let patch = DatasourcePatch { limits, ..Default::default() };
    assert!(datasources::change(&mut client, &inlet.datasource, &patch, Actor::local("test")).await.unwrap());
    house.state.authority.refresh().await.unwrap();
    assert_eq!(said(&house.get(&inlet.token, &inlet.path("/stream")).await).limit, 3);
    assert_eq!(said(&push(&house, &inlet, "a").await).limit, 6_000, "another class");
    house.stop().await;
}

#[tokio::test]
async fn a_spent_budget_is_said_before_the_body_is_judged() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    house.limit(&inlet.datasource, "events.write", 1).await;
    push(&house, &inlet, "a").await;
    let path = inlet.path("/stream/events");
    let text = house.request("POST", &path).bearer_auth(&inlet.token).header("Content-Type", "text/plain");
    assert_eq!(crate::support::house::Reply::of(text.body("x")).await.status, 429);
    assert_eq!(house.post(&inlet.token, &path, &json!([])).await.status, 429);
    assert_eq!(unsent(&house, &inlet.token, &path).await, 429);
    house.stop().await;
}

/// The answer to a request whose body is announced and never sent.
async fn unsent(house: &TestHouse, key: &str, path: &str) -> u16 {
    let mut socket = Socket::open(house).await;
    let key = format!("Authorization: Bearer {key}");
    socket.head("POST", path, &[&key, "Content-Type: application/json", "Content-Length: 1000000"]).await;
    socket.reply().await.status
}
