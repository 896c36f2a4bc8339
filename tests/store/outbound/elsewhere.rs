//! A writer in another database of the same cluster.

use std::time::Duration;

use tidegate::{
    domain::{clock::SystemClock, pattern::Patterns},
    store::{Database, Role, horizon, lane::Lane},
};
use tokio::time::Instant;

use super::{AT_ONCE, ids, numbered, page, projects, read, write};
use crate::{
    station::until,
    support::{
        house::{TestHouse, stations},
        postgres::{connect, migrate, private_server},
    },
};

/// What the server's metrics say of the horizon, in seconds.
async fn told(house: &TestHouse) -> f64 {
    let metrics = house.http.get(&house.metrics_url).send().await.unwrap().text().await.unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix("tidegate_horizon_age_seconds "));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn a_writer_in_another_database_delays_the_stream_and_loses_nothing() {
    let (server, _folder) = private_server().await;
    let config = server.config();
    migrate(&config).await;
    let database = Database::new(config.clone());
    projects(&database).await;
    let house = TestHouse::with(database.clone(), stations(), SystemClock::shared()).await;
    let pool = database.pool(Role::Read, 1).unwrap();
    let mut lane = Lane::open(&database).await.unwrap();
    write(&mut lane, 1, &[(1, numbered("before-", 0..3))], AT_ONCE).await.unwrap();
    until("it is settled", async || read(&pool, None, 10).await.0.len() == 3).await;
    let (_, place) = read(&pool, None, 10).await;
    until("nobody else writes", async || horizon::age(&pool).await.unwrap() == 0.0).await;

    connect(&config).await.batch_execute("create database elsewhere").await.unwrap();
    let mut other = config.clone();
    other.dbname("elsewhere");
    let other = connect(&other).await;
    // Whether by a table or by anything else: it has a transaction id.
    other.batch_execute("begin; create table kept (n int)").await.unwrap();
    let began = Instant::now();
    for lot in 0..5 {
        let parts = [(1, numbered(&format!("{lot}-"), 0..4)), (2, numbered(&format!("{lot}-"), 4..6))];
        write(&mut lane, 1, &parts, AT_ONCE).await.unwrap();
    }
    let delayed = page(&pool, Some(place), &Patterns::default(), 100).await;
    assert_eq!((delayed.items.len(), delayed.caught_up), (0, true), "nothing that is settled");
    assert!(delayed.next >= place);
    for limit in [1, 1_000] {
        assert_eq!(ids(&read(&pool, None, limit).await.0), ["before-0", "before-1", "before-2"]);
    }
    let at_least = began.elapsed().as_secs_f64();
    let age = horizon::age(&pool).await.unwrap();
    assert!(age >= at_least, "{age} {at_least}: it says by how much");
    until("the metric says so", async || told(&house).await >= at_least).await;

    other.batch_execute("commit").await.unwrap();
    let wanted: Vec<String> = (0..30).map(|at| format!("{}-{}", at / 6, at % 6)).collect();
    until("everything is there", async || read(&pool, Some(delayed.next), 7).await.0.len() >= 30).await;
    let (items, _) = read(&pool, Some(delayed.next), 7).await;
    assert_eq!(ids(&items), wanted.iter().map(String::as_str).collect::<Vec<_>>());
    until("the metric is quiet again", async || told(&house).await < at_least).await;
    house.stop().await;
    server.stop().await.unwrap();
}

/// Whoever only reads, however long, has no transaction id and holds up nobody.
#[tokio::test]
async fn a_reader_in_another_database_delays_nothing() {
    let (server, _folder) = private_server().await;
    let config = server.config();
    migrate(&config).await;
    let database = Database::new(config.clone());
    projects(&database).await;
    let pool = database.pool(Role::Read, 1).unwrap();
    let mut lane = Lane::open(&database).await.unwrap();
    connect(&config).await.batch_execute("create database elsewhere").await.unwrap();
    let mut other = config.clone();
    other.dbname("elsewhere");
    let other = connect(&other).await;
    let reading = "begin isolation level repeatable read; select count(*) from pg_class";
    other.batch_execute(reading).await.unwrap();
    write(&mut lane, 1, &[(1, numbered("", 0..3))], AT_ONCE).await.unwrap();
    until("it is there", async || read(&pool, None, 10).await.0.len() == 3).await;
    other.batch_execute("commit").await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), server.stop()).await.unwrap().unwrap();
}
