//! Rotation: both keys hold until the deadline, and nobody is locked out meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tidegate::{
    auth::scope::Scope,
    domain::clock::{FakeClock, SystemClock},
    store::Database,
};

use super::{Manager, keys::instance_key, pointers};
use crate::support::{
    house::{Inlet, Reply, TestHouse, stations},
    postgres::TestDatabase,
};

/// A key that may do all that a datasource token may.
async fn manager(house: &TestHouse, inlet: &Inlet) -> Manager {
    let (_, key) = house.product_token(Some(&inlet.project), Scope::ALL).await;
    Manager { key, base: format!("/v1/project/{}", inlet.project) }
}

async fn rotate(house: &TestHouse, manager: &Manager, id: &str, body: Value) -> Reply {
    manager.ask(house, "POST", &format!("/keys/{id}/rotate"), body).await
}

fn member(reply: &Reply, name: &str) -> String {
    assert_eq!((reply.status, reply.header("cache-control")), (201, "no-store"), "{}", reply.text);
    reply.json()["entity"][name].as_str().unwrap_or_else(|| panic!("{name}: {}", reply.text)).to_owned()
}

#[tokio::test]
async fn both_hold_until_the_deadline_and_the_old_one_is_told() {
    let database = TestDatabase::create().await;
    let clock = FakeClock::at(SystemClock::shared().now());
    let options = stations();
    let house = TestHouse::with(Database::new(database.config.clone()), options, clock.clone()).await;
    let inlet = house.inlet().await;
    let manager = manager(&house, &inlet).await;
    let (path, id) = (inlet.path("/stream"), inlet.key_id.to_string());
    let rotated = rotate(&house, &manager, &id, json!({"overlap": "1h"})).await;
    let new = member(&rotated, "key");
    let entity = &rotated.json()["entity"];
    assert_eq!((&entity["replaces"], &entity["state"]), (&json!(id), &json!("live")));
    let old = manager.get(&house, &format!("/keys/{id}")).await.json()["entity"].clone();
    assert_eq!(old["state"], "rotated");
    for same in ["kind", "name", "description", "scopes", "projectUid", "datasourceUid", "role"] {
        assert_eq!(entity[same], old[same], "{same}");
    }
    let end: jiff::Timestamp = old["expiresAt"].as_str().unwrap().parse().unwrap();
    let sunset = end.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let since =
        format!("@{}", old["rotatedAt"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second());

    // Whatever the answer is: 200, 400, 403, 404 of a target and of a route, 405.
    for (method, rest, status) in [
        ("GET", "/stream", 200),
        ("POST", "/stream/events", 415),
        ("PATCH", "", 403),
        ("GET", "/stream/contacts/nobody", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/stream", 405),
    ] {
        let told = Reply::of(house.request(method, &inlet.path(rest)).bearer_auth(&inlet.token)).await;
        assert_eq!(told.status, status, "{method} {rest}: {}", told.text);
        assert_eq!(
            (told.header("deprecation"), told.header("sunset")),
            (&*since, &*sunset),
            "{method} {rest}"
        );
        let other = Reply::of(house.request(method, &inlet.path(rest)).bearer_auth(&new)).await;
        assert_eq!((other.status, other.header("deprecation"), other.header("sunset")), (status, "", ""));
    }

    clock.advance(std::time::Duration::from_secs(3_599));
    assert_eq!(house.get(&inlet.token, &path).await.status, 200);
    clock.advance(std::time::Duration::from_secs(1));
    let ended = house.get(&inlet.token, &path).await;
    assert_eq!((ended.code().as_str(), ended.header("deprecation")), ("invalid_token", ""));
    assert_eq!(house.get(&new, &path).await.status, 200);
    let old = manager.get(&house, &format!("/keys/{id}")).await.json();
    assert_eq!(old["entity"]["state"], "expired");
    house.stop().await;
}

#[tokio::test]
async fn an_overlap_has_a_default_and_limits() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = manager(&house, &inlet).await;
    let id = inlet.key_id.to_string();
    for bad in [json!("31d"), json!("1"), json!(3600)] {
        let refused = rotate(&house, &manager, &id, json!({ "overlap": bad })).await;
        assert_eq!(pointers(&refused), ["/overlap"]);
    }
    let second = rotate(&house, &manager, &id, json!({})).await;
    let (second_id, second) = (member(&second, "id"), member(&second, "key"));
    let old = manager.get(&house, &format!("/keys/{id}")).await.json()["entity"].clone();
    let time = |name: &str| old[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("expiresAt").duration_since(time("rotatedAt")), SignedDuration::from_hours(24));
    let third = member(&rotate(&house, &manager, &second_id, json!({"overlap": "0s"})).await, "key");
    let path = inlet.path("/stream");
    assert_eq!(house.get(&second, &path).await.status, 401, "without an overlap it ends at once");
    assert_eq!(house.get(&third, &path).await.status, 200);
    assert_eq!(house.get(&inlet.token, &path).await.status, 200, "the first one has its own deadline");
    house.stop().await;
}

#[tokio::test]
async fn only_a_live_key_that_is_shown_once_is_rotated() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = manager(&house, &inlet).await;
    let refused = async |id: &str, word: &str| {
        let reply = rotate(&house, &manager, id, json!({})).await;
        assert_eq!((reply.status, reply.code().as_str()), (409, "not_rotatable"), "{}", reply.text);
        assert!(reply.json()["detail"].as_str().unwrap().contains(word), "{word}: {}", reply.text);
    };
    let id = inlet.key_id.to_string();
    let successor = rotate(&house, &manager, &id, json!({"overlap": "0s"})).await;
    refused(&id, "expired").await;
    let successor = member(&successor, "id");
    member(&rotate(&house, &manager, &successor, json!({})).await, "key");
    refused(&successor, "rotated already").await;
    manager.ask(&house, "POST", &format!("/keys/{successor}/revoke"), Value::Null).await;
    refused(&successor, "revoked").await;
    refused(&instance_key(&house, &inlet).await, "regenerate").await;
    house.stop().await;
}

#[tokio::test]
async fn an_end_that_was_asked_for_is_kept_by_the_successor() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = manager(&house, &inlet).await;
    let id = inlet.key_id.to_string();
    house.sql(&format!("update key set expires_at = now() + interval '1 hour' where id = '{id}'")).await;
    let end = manager.get(&house, &format!("/keys/{id}")).await.json()["entity"]["expiresAt"].clone();
    let rotated = rotate(&house, &manager, &id, json!({"overlap": "7d"})).await;
    assert_eq!(rotated.json()["entity"]["expiresAt"], end);
    let old = manager.get(&house, &format!("/keys/{id}")).await.json();
    assert_eq!(old["entity"]["expiresAt"], end, "a rotation makes no key live longer");
    house.stop().await;
}

#[tokio::test]
async fn of_many_rotations_at_once_one_makes_a_successor() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = manager(&house, &inlet).await;
    let id = inlet.key_id.to_string();
    let all = (0..8).map(|_| rotate(&house, &manager, &id, json!({})));
    let replies = futures_util::future::join_all(all).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    let successors = format!("select count(*) from key where replaces = '{id}'");
    assert_eq!(house.number(&successors).await, 1);
    house.stop().await;
}

/// Clients push all the while; the key is rotated under them, and each takes the new one half-way.
#[tokio::test]
async fn a_client_that_switches_half_way_is_never_turned_away() {
    const CLIENTS: usize = 4;
    const EACH: usize = 60;
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = manager(&house, &inlet).await;
    let sent = AtomicUsize::new(0);
    let (give, given) = tokio::sync::watch::channel(inlet.token.clone());
    let client = async |number: usize| {
        let (mut told, mut own, mut turn) = (0, 0, 0);
        while own < EACH / 2 {
            // Half of the way with what it has, and until it is told that it is to go on with another one.
            let key = if turn < EACH / 2 || told == 0 {
                inlet.token.clone()
            } else {
                given.clone().wait_for(|key| *key != inlet.token).await.unwrap().clone()
            };
            let event =
                json!([{"_user_id": "u", "_event_id": format!("{number}-{turn}"), "_event_type": "x"}]);
            let reply = house.post(&key, &inlet.path("/stream/events"), &event).await;
            assert_eq!(reply.status, 202, "client {number}, turn {turn}: {}", reply.text);
            sent.fetch_add(1, Ordering::Relaxed);
            told += usize::from(!reply.header("sunset").is_empty());
            own += usize::from(key != inlet.token);
            turn += 1;
        }
        (told, own)
    };
    let rotation = async {
        while sent.load(Ordering::Relaxed) < CLIENTS * EACH / 8 {
            tokio::task::yield_now().await;
        }
        let rotated = rotate(&house, &manager, &inlet.key_id.to_string(), json!({})).await;
        give.send_replace(member(&rotated, "key"));
    };
    let clients = futures_util::future::join_all((0..CLIENTS).map(client));
    let (switched, ()) = futures_util::future::join(clients, rotation).await;
    assert!(switched.iter().all(|(_, own)| *own == EACH / 2), "{switched:?}");
    assert!(switched.iter().all(|(told, _)| *told > 0), "{switched:?}");
    let stored = house.number("select count(*) from event").await;
    assert_eq!(usize::try_from(stored).unwrap(), sent.load(Ordering::Relaxed));
    house.stop().await;
}
