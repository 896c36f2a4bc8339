//! Partitions of the log: ahead of time, beside the lanes, and made on the spot where one is missing.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use tidegate::{
    domain::clock::{FakeClock, SystemClock},
    ingest::upkeep,
    store::{Database, Role, partitions},
};
use tokio::{sync::watch, time::timeout};
use tokio_postgres::Client;

use super::station::{Station, events, one_lane, until};
use crate::support::{
    house::metrics,
    postgres::{TestDatabase, connect, migrate, private_server},
};

/// The partition of a time, `days` later.
fn partition(at: Timestamp, days: i32) -> String {
    let day = TimeZone::UTC.to_datetime(at).date().checked_add(days.days()).unwrap();
    format!("event_{}", day.strftime("%Y%m%d"))
}

async fn standing(client: &Client) -> Vec<String> {
    let query =
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'event'::regclass order by 1";
    client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_week_stands_ahead_whoever_makes_it() {
    let database = TestDatabase::create().await;
    let (one, other) = (database.client().await, database.client().await);
    let drop_all = standing(&one).await.join(", ");
    one.batch_execute(&format!("drop table {drop_all}")).await.unwrap();
    let now: Timestamp = "2027-02-27T23:59:59.999999Z".parse().unwrap();
    assert_eq!(partitions::days_ahead(&one, now).await.unwrap(), -1);
    let (first, second) = tokio::join!(partitions::ensure(&one, now), partitions::ensure(&other, now));
    assert_eq!(first.unwrap() + second.unwrap(), 9);
    let wanted: Vec<String> = (-1..=7).map(|days| partition(now, days)).collect();
    assert_eq!(standing(&one).await, wanted);
    assert_eq!(partitions::days_ahead(&one, now).await.unwrap(), 7);
    assert_eq!(partitions::ensure(&one, now).await.unwrap(), 0);
    assert_eq!(partitions::ensure(&one, now + 24.hours()).await.unwrap(), 1, "the next day adds one");
}

#[tokio::test]
async fn an_open_lot_is_not_in_the_way() {
    let (server, _folder) = private_server().await;
    migrate(&server.config()).await;
    let (lot, maker) = (connect(&server.config()).await, connect(&server.config()).await);
    lot.batch_execute("begin; insert into event values (1, 1, 1, now(), now(), 'e', 't', 'u', 'i', '{}')")
        .await
        .unwrap();
    maker.batch_execute("set lock_timeout = '500ms'").await.unwrap();

    let later = SystemClock::shared().now() + (24 * 100).hours();
    let made = timeout(Duration::from_secs(5), partitions::ensure(&maker, later)).await;
    assert_eq!(made.expect("it waits for nobody").unwrap(), 9);

    let naive = "create table naive partition of event for values from ('2001-01-01') to ('2001-01-02')";
    let error = maker.batch_execute(naive).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "55P03", "the short way would have waited for the lot");
    lot.batch_execute("commit").await.unwrap();
    server.stop().await.unwrap();
}

async fn found_in(client: &Client, event_id: &str) -> Vec<String> {
    let query = "select tableoid::regclass::text from event where event_id = $1";
    client.query(query, &[&event_id]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_partition_that_is_missing_under_a_lot_is_made() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let clock = FakeClock::at(SystemClock::shared().now());
    let station = Station::with_clock(&database.config, one_lane(), clock.clone()).await;
    station.append(events(["before"], 1)).await.unwrap();
    let today = partition(tidegate::domain::clock::Clock::now(clock.as_ref()), 0);

    client.batch_execute(&format!("drop table {today}")).await.unwrap();
    station.append(events(["dropped"], 1)).await.unwrap();
    assert_eq!(found_in(&client, "dropped").await, [today.as_str()]);

    client.batch_execute(&format!("alter table event detach partition {today}")).await.unwrap();
    station.append(events(["detached"], 1)).await.unwrap();
    assert_eq!(found_in(&client, "detached").await, [today.as_str()]);
    assert_eq!(found_in(&client, "dropped").await, [today.as_str()], "it came back with its rows");

    // A clock that jumps is the same: nobody made that day ahead.
    clock.advance(Duration::from_secs(40 * 24 * 3_600));
    station.append(events(["much later"], 1)).await.unwrap();
    let there = partition(tidegate::domain::clock::Clock::now(clock.as_ref()), 0);
    assert_eq!(found_in(&client, "much later").await, [there]);
    station.stop().await;
}

#[tokio::test]
async fn what_stands_ahead_is_told_also_when_no_more_can_be_made() {
    let page = metrics();
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let clock = SystemClock::shared();
    let missing = partition(clock.now(), 3);
    // A table of that name which is no partition of the log, and cannot become one.
    client.batch_execute(&format!("drop table {missing}; create table {missing} (x int)")).await.unwrap();
    let station = Station::start(&database.config, one_lane()).await;
    let store = Database::new(database.config.clone());
    let pool = store.pool(Role::Meta, 1).unwrap();
    let (stop, stopped) = watch::channel(false);
    let upkeep = tokio::spawn(upkeep::run(station.handle.clone(), store, pool, clock, stopped));
    until("two days are told", async || page.render().contains("\ntidegate_partition_days_ahead 2\n")).await;
    for count in ["lots_total{outcome=\"unknown\"}", "items_total{kind=\"event\",fate=\"refused\"}"] {
        assert!(
            page.render().contains(&format!("\ntidegate_{count} ")),
            "{count} is not there from the start"
        );
    }
    stop.send_replace(true);
    upkeep.await.unwrap();
    station.stop().await;
}
