//! What the limiter and the store refuse, and what a client can rely on then.

use std::time::Duration;

use serde_json::json;
use tidegate::{config::Stations, domain::clock::SystemClock, http::problem::Code, store::Database};
use tokio_postgres::Config;

use super::check;
use crate::support::{
    house::{Inlet, Reply, TestHouse, stations},
    postgres::TestDatabase,
    proxy::{KIND, Mood, OnCommit, Proxy},
};

async fn push(house: &TestHouse, inlet: &Inlet) -> Reply {
    let event = json!([{"_user_id": "u", "_event_id": "e", "_event_type": "t"}]);
    house.post(&inlet.token, &inlet.path("/stream/events"), &event).await
}

async fn stored(database: &TestDatabase) -> i64 {
    database.client().await.query_one("select count(*) from event", &[]).await.unwrap().get(0)
}

/// A house that is quick to give up.
async fn impatient(config: &Config, change: impl FnOnce(&mut Stations)) -> TestHouse {
    let mut options = stations();
    options.ingest.fate = Duration::from_millis(300);
    options.ingest.lanes = 1;
    change(&mut options);
    TestHouse::with(Database::new(config.clone()), options, SystemClock::shared()).await
}

/// A datasource that may ask once a minute.
pub async fn rate_limited(house: &TestHouse) -> Reply {
    let inlet = house.inlet().await;
    house.limit(&inlet.datasource, "events.write", 1).await;
    assert_eq!(push(house, &inlet).await.status, 202);
    push(house, &inlet).await
}

/// A house with room for a single byte.
pub async fn overloaded() -> Reply {
    let database = TestDatabase::create().await;
    let house = impatient(&database.config, |options| options.ingest.queue_bytes = 1).await;
    let inlet = house.inlet().await;
    let reply = push(&house, &inlet).await;
    assert_eq!(stored(&database).await, 0);
    house.stop().await;
    reply
}

/// A house whose road to the database is closed.
pub async fn unavailable() -> Reply {
    let database = TestDatabase::create().await;
    let road = Proxy::before(&database.config).await;
    let house = impatient(&road.config, |_| {}).await;
    let inlet = house.inlet().await;
    road.close();
    let reply = push(&house, &inlet).await;
    check(&push(&house, &inlet).await, Code::StoreUnavailable);
    check(&house.get(&inlet.token, &inlet.path("/stats")).await, Code::StoreUnavailable);
    check(&house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await, Code::StoreUnavailable);
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream/specs/events")).await.status, 200);
    road.reopen();
    house.state.ingest.connected().await;
    assert_eq!(push(&house, &inlet).await.outcomes(), ["stored"]);
    house.stop().await;
    reply
}

/// A house that was told to end.
pub async fn draining() -> Reply {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    house.state.traffic.drain();
    let reply = Reply::of(house.request("GET", "/health/ready")).await;
    assert_eq!(reply.header("connection"), "close");
    house.stop().await;
    reply
}

/// A commit whose answer is lost, on a road that stays closed.
pub async fn outcome_unknown() -> Reply {
    let database = TestDatabase::create().await;
    let road = Proxy::before(&database.config).await;
    let house = impatient(&road.config, |_| {}).await;
    let inlet = house.inlet().await;
    road.set(Mood { on_commit: OnCommit::CutAnswer, open_afterwards: false, ..KIND });
    let reply = push(&house, &inlet).await;
    road.reopen();
    house.state.ingest.connected().await;
    assert_eq!(push(&house, &inlet).await.outcomes(), ["duplicate"], "it was stored after all");
    assert_eq!(stored(&database).await, 1);
    house.stop().await;
    reply
}

/// A database that refuses a value.
pub async fn unstorable() -> Reply {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, neighbour) = (house.inlet().await, house.inlet().await);
    house.sql("alter table event_key add constraint one check (datasource_id > 1) not valid").await;
    let (reply, other) = tokio::join!(push(&house, &inlet), push(&house, &neighbour));
    assert_eq!(other.outcomes(), ["stored"], "a neighbour's batch is not its fault");
    assert_eq!(stored(&database).await, 1);
    house.stop().await;
    reply
}

/// A database that is not what the server takes it for.
pub async fn internal() -> Reply {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    house.sql("alter table lot rename to lots").await;
    let reply = push(&house, &inlet).await;
    assert_eq!(stored(&database).await, 0);
    house.stop().await;
    reply
}

#[tokio::test]
async fn more_items_than_the_queue_holds_are_too_many() {
    let database = TestDatabase::create().await;
    let house = impatient(&database.config, |options| options.ingest.queue_items = 3).await;
    let inlet = house.inlet().await;
    let people = |count: usize| -> serde_json::Value {
        (0..count).map(|at| json!({"_user_id": at.to_string()})).collect()
    };
    let path = inlet.path("/stream/contacts");
    check(&house.post(&inlet.token, &path, &people(4)).await, Code::Overloaded);
    assert_eq!(house.post(&inlet.token, &path, &people(3)).await.status, 202);
    assert_eq!(house.state.ingest.depth(), (0, 0));
    house.stop().await;
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_is_found_out() {
    let database = TestDatabase::create().await;
    let road = Proxy::before(&database.config).await;
    let house = impatient(&road.config, |options| options.ingest.fate = Duration::from_secs(20)).await;
    let inlet = house.inlet().await;
    road.set(Mood { on_commit: OnCommit::CutAnswer, ..KIND });
    let reply = push(&house, &inlet).await;
    assert_eq!((reply.status, reply.outcomes()), (202, vec!["stored".to_owned()]));
    assert_eq!((road.cuts(), stored(&database).await), (1, 1));
    house.stop().await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_written_again() {
    let database = TestDatabase::create().await;
    let road = Proxy::before(&database.config).await;
    let house = impatient(&road.config, |options| options.ingest.fate = Duration::from_secs(20)).await;
    let inlet = house.inlet().await;
    road.set(Mood { on_commit: OnCommit::CutBefore, ..KIND });
    let reply = push(&house, &inlet).await;
    assert_eq!(
        (reply.status, reply.outcomes()),
        (202, vec!["stored".to_owned()]),
        "the retry is no duplicate"
    );
    assert_eq!((road.cuts(), stored(&database).await), (1, 1));
    assert_eq!(push(&house, &inlet).await.outcomes(), ["duplicate"]);
    house.stop().await;
}

#[tokio::test]
async fn a_defect_of_the_store_is_internal_for_reads_as_well() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    house.sql("alter table lot rename to lots; alter table contact rename to contacts").await;
    check(&house.get(&inlet.token, &inlet.path("/stats")).await, Code::Internal);
    check(&house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await, Code::Internal);
    let dry = inlet.path("/stream/contacts?_dryRun");
    check(&house.post(&inlet.token, &dry, &json!([{"_user_id": "u"}])).await, Code::Internal);
    house.stop().await;
}
