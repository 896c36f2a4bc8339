//! `Idempotency-Key`: what is sent again is not done again.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tidegate::{
    auth::scope::Scope,
    domain::clock::SystemClock,
    http::problem::Code,
    store::{Database, Role, idempotency},
};

use super::Manager;
use crate::{
    metrics::until,
    problem::check,
    support::{
        house::{Inlet, Reply, TestHouse},
        postgres::TestDatabase,
    },
};

impl Manager {
    /// `POST` below the project under a name of the client's own.
    pub async fn named(&self, house: &TestHouse, rest: &str, name: &str, body: &Value) -> Reply {
        let request = house.request("POST", &format!("{}{rest}", self.base)).bearer_auth(&self.key);
        Reply::of(request.header("Idempotency-Key", name).json(body)).await
    }
}

async fn laid() -> (TestDatabase, TestHouse, Inlet, Manager) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    (database, house, inlet, manager)
}

fn shop() -> Value {
    json!({"name": "Shop"})
}

async fn shops(house: &TestHouse) -> i64 {
    house.number("select count(*) from datasource where name = 'Shop'").await
}

/// Holds what was answered before against an answer that is the same but for saying so.
fn replays(first: &Reply, again: &Reply) {
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""), "{}", first.text);
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"), "{}", again.text);
    assert_eq!(first.text, again.text);
    assert_eq!(first.header("content-type"), again.header("content-type"));
    assert!(!again.header("ratelimit").is_empty());
}

#[tokio::test]
async fn every_creating_route_answers_a_repetition_as_it_did_at_first() {
    let (_database, house, _, manager) = laid().await;
    let audited = async || house.number("select count(*) from audit").await;
    for (rest, body) in [
        ("/datasource", shop()),
        ("/specs/attributes", json!({"uid": "shoe_size", "dataType": "int"})),
        ("/specs/events", json!({"uid": "trial_ended"})),
        ("/specs/events/trial_ended/parameters", json!({"parameter": "days", "dataType": "int"})),
    ] {
        let first = manager.named(&house, rest, rest, &body).await;
        let then = audited().await;
        for _ in 0..2 {
            replays(&first, &manager.named(&house, rest, rest, &body).await);
        }
        assert_eq!(audited().await, then, "{rest}: nothing was done again");
    }
    assert_eq!(shops(&house).await, 1);
    house.stop().await;
}

#[tokio::test]
async fn what_is_answered_is_what_is_there() {
    let (_database, house, _, manager) = laid().await;
    let new = json!({"name": "Shop", "plan": "L", "strict": true, "defaultCountry": "at"});
    let made = manager.named(&house, "/datasource", "one", &new).await.json()["entity"].clone();
    let path = format!("/datasource/{}", made["uid"].as_str().unwrap());
    assert_eq!(manager.get(&house, &path).await.json()["entity"], made);
    house.stop().await;
}

#[tokio::test]
async fn a_name_stands_for_one_request_of_one_key() {
    let (_database, house, inlet, manager) = laid().await;
    let first = manager.named(&house, "/datasource", "one", &shop()).await;
    let mismatch = async |rest: &str, body: &Value| {
        let reply = manager.named(&house, rest, "one", body).await;
        check(&reply, Code::IdempotencyMismatch);
    };
    mismatch("/datasource", &json!({"name": "Till"})).await;
    mismatch("/specs/events", &json!({"uid": "trial_ended"})).await;
    // A repetition, whatever would be said of the request by itself.
    mismatch("/specs/events", &json!({"uid": "purchase"})).await;
    let other = Manager::of(&house, &inlet).await;
    let second = other.named(&house, "/datasource", "one", &shop()).await;
    assert_ne!(first.text, second.text, "another key has names of its own");
    replays(&first, &manager.named(&house, "/datasource", "one", &shop()).await);
    replays(&second, &other.named(&house, "/datasource", "one", &shop()).await);
    assert_eq!(shops(&house).await, 2);
    house.stop().await;
}

#[tokio::test]
async fn what_was_refused_may_be_tried_again() {
    let (_database, house, _, manager) = laid().await;
    let taken = json!({"uid": "trial_ended"});
    assert_eq!(manager.ask(&house, "POST", "/specs/events", taken.clone()).await.status, 201);
    for _ in 0..2 {
        check(&manager.named(&house, "/specs/events", "one", &taken).await, Code::AlreadyExists);
    }
    assert_eq!(house.number("select count(*) from idempotency").await, 0);
    manager.ask(&house, "DELETE", "/specs/events/trial_ended", Value::Null).await;
    let made = manager.named(&house, "/specs/events", "one", &taken).await;
    replays(&made, &manager.named(&house, "/specs/events", "one", &taken).await);
    let poor = house.product_token(None, &[Scope::ProjectRead]).await.1;
    let poor = Manager { key: poor, base: manager.base.clone() };
    check(&poor.named(&house, "/specs/events", "one", &taken).await, Code::InsufficientScope);
    house.stop().await;
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_before_the_body() {
    let (_database, house, _, manager) = laid().await;
    for name in ["".to_owned(), "x".repeat(256), "a\tb".to_owned()] {
        let reply = manager.named(&house, "/datasource", &name, &json!([])).await;
        check(&reply, Code::InvalidIdempotencyKey);
    }
    let longest = "x".repeat(255);
    let first = manager.named(&house, "/datasource", &longest, &shop()).await;
    replays(&first, &manager.named(&house, "/datasource", &longest, &shop()).await);
    house.stop().await;
}

#[tokio::test]
async fn while_one_is_answered_its_repetition_waits() {
    check(&in_flight().await, Code::IdempotencyInFlight);
}

/// The answer to a repetition while the first request hangs in its transaction, in a house of its own: it hangs on a lock that
/// others would meet too. The first one is answered afterwards, and has been done once.
pub async fn in_flight() -> Reply {
    let (_database, house, _, manager) = laid().await;
    let mut blocker = house.database.connect(Role::Command).await.unwrap();
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("lock table datasource in exclusive mode").await.unwrap();
    let body = shop();
    let first = manager.named(&house, "/datasource", "one", &body);
    let meanwhile = async {
        let waits = "select count(*) from pg_locks w join pg_locks has using (pid, database)
                     where not w.granted and w.relation = 'datasource'::regclass and has.locktype = 'advisory'
                       and database = (select oid from pg_database where datname = current_database())";
        until(async || house.number(waits).await == 1).await;
        let refused = manager.named(&house, "/datasource", "one", &body).await;
        lock.rollback().await.unwrap();
        refused
    };
    let (first, refused) = tokio::join!(first, meanwhile);
    replays(&first, &manager.named(&house, "/datasource", "one", &body).await);
    assert_eq!(shops(&house).await, 1);
    house.stop().await;
    refused
}

#[tokio::test]
async fn of_many_at_once_one_is_done() {
    let (_database, house, _, manager) = laid().await;
    for round in 0..10 {
        let (name, body) = (round.to_string(), json!({"name": format!("Shop {round}")}));
        let all = (0..8).map(|_| async {
            loop {
                let reply = manager.named(&house, "/datasource", &name, &body).await;
                if reply.status != 409 {
                    break reply;
                }
                check(&reply, Code::IdempotencyInFlight);
            }
        });
        let replies = futures_util::future::join_all(all).await;
        let (again, first): (Vec<_>, Vec<_>) =
            replies.iter().partition(|reply| reply.header("idempotency-replayed") == "true");
        assert_eq!((first.len(), again.len()), (1, 7));
        again.iter().for_each(|reply| replays(first[0], reply));
    }
    assert_eq!(house.number("select count(*) from datasource where name like 'Shop %'").await, 10);
    house.stop().await;
}

#[tokio::test]
async fn another_server_knows_what_this_one_answered() {
    let (database, house, _, manager) = laid().await;
    let other = TestHouse::start(&database).await;
    let first = manager.named(&house, "/datasource", "one", &shop()).await;
    replays(&first, &manager.named(&other, "/datasource", "one", &shop()).await);
    let own = format!("/datasource/{}", first.json()["entity"]["uid"].as_str().unwrap());
    assert_eq!(manager.get(&other, &own).await.status, 200, "what it answered is in force there too");
    house.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let (database, house, _, manager) = laid().await;
    let first = manager.named(&house, "/datasource", "one", &shop()).await;
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 1).unwrap();
    let now = SystemClock::shared().now();
    idempotency::expire(&pool, now + SignedDuration::from_mins(24 * 60 - 1)).await.unwrap();
    replays(&first, &manager.named(&house, "/datasource", "one", &shop()).await);
    idempotency::expire(&pool, now + SignedDuration::from_mins(24 * 60 + 1)).await.unwrap();
    let anew = manager.named(&house, "/datasource", "one", &shop()).await;
    assert_eq!((anew.status, anew.header("idempotency-replayed")), (201, ""));
    assert_ne!(anew.text, first.text);
    house.stop().await;
}
