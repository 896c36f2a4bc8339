//! Budgets: what every answer says of them, when they are spent, and whose they are.

mod headers;

mod spent;

mod owners;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::json;
use tidegate::{domain::clock::FakeClock, store::Database};

use crate::support::{
    house::{Inlet, Reply, TestHouse, stations},
    postgres::TestDatabase,
};

/// A whole second of today, because the log has partitions around it.
fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A house whose clock stands still until it is told to move.
async fn at_noon(database: &TestDatabase) -> (TestHouse, Arc<FakeClock>) {
    let clock = FakeClock::at(noon());
    let house = TestHouse::with(Database::new(database.config.clone()), stations(), clock.clone()).await;
    (house, clock)
}

/// What an answer says of a budget.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    class: String,
    limit: i64,
    remaining: i64,
    /// Seconds from noon.
    reset: i64,
    /// Seconds until the budget is whole.
    whole_in: i64,
}

/// Reads both families of headers and holds them against each other.
fn said(reply: &Reply) -> Said {
    let number =
        |name: &str| reply.header(name).parse::<i64>().unwrap_or_else(|_| panic!("{name}: {reply:?}"));
    let policy: Vec<&str> = reply.header("ratelimit-policy").split(';').collect();
    let level: Vec<&str> = reply.header("ratelimit").split(';').collect();
    let (limit, remaining) = (number("x-ratelimit-limit"), number("x-ratelimit-remaining"));
    assert_eq!(policy[1..], [format!("q={limit}"), "w=60".to_owned()], "{policy:?}");
    assert_eq!(policy[0], level[0], "both name the class");
    assert_eq!(level[1], format!("r={remaining}"));
    let whole_in = level[2].strip_prefix("t=").unwrap().parse().unwrap();
    let class = policy[0].trim_matches('"').to_owned();
    Said { class, limit, remaining, reset: number("x-ratelimit-reset") - noon().as_second(), whole_in }
}

/// Pushes one event.
async fn push(house: &TestHouse, inlet: &Inlet, id: &str) -> Reply {
    let event = json!([{"_user_id": "u", "_event_id": id, "_event_type": "t"}]);
    house.post(&inlet.token, &inlet.path("/stream/events"), &event).await
}

async fn stored(house: &TestHouse) -> i64 {
    house.number("select count(*) from event").await
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
