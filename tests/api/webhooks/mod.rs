//! `/v1/project/{project}/webhooks`: endpoints managed, and real deliveries to a receiver on loopback.

mod addresses;

mod deliver;

pub mod manage;

mod nodes;

mod replay;

mod trouble;

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::{auth::scope::Scope, config::Stations, domain::clock::SystemClock, stream::webhooks::Options};

use crate::support::{
    house::{Inlet, Reply, TestHouse, stations},
    postgres::TestDatabase,
    receiver::{Hit, Receiver},
};

/// Options that allow loopback and do not wait long.
pub fn brisk() -> Options {
    Options {
        allowed: "127.0.0.0/8".parse().unwrap(),
        schedule: vec!["40ms"; 30].join(",").parse().unwrap(),
        total: Duration::from_secs(2),
        connect: Duration::from_secs(2),
        tick: Duration::from_millis(20),
        hold: Duration::from_secs(3),
        ..Options::default()
    }
}

/// A house with a datasource, and keys that manage and read its project.
pub struct Scene {
    pub house: TestHouse,
    pub inlet: Inlet,
    pub manager: String,
    pub database: TestDatabase,
}

impl Scene {
    pub async fn set() -> Self {
        Self::with(brisk()).await
    }

    pub async fn with(options: Options) -> Self {
        let database = TestDatabase::create().await;
        let house = node(&database, options).await;
        let inlet = house.inlet().await;
        let (_, manager) = house.product_token(Some(&inlet.project), Scope::ALL).await;
        Self { house, inlet, manager, database }
    }

    /// A request below the project's webhooks; a body unless it is `null`.
    pub async fn ask(&self, method: &str, rest: &str, body: Value) -> Reply {
        self.ask_as(&self.manager, method, rest, body).await
    }

    pub async fn ask_as(&self, key: &str, method: &str, rest: &str, body: Value) -> Reply {
        let path = format!("/v1/project/{}/webhooks{rest}", self.inlet.project);
        let request = self.house.request(method, &path).bearer_auth(key);
        Reply::of(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// Makes a webhook; answers its id and its secret.
    pub async fn hook(&self, body: Value) -> (String, String) {
        let reply = self.ask("POST", "", body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let made = reply.json();
        let text = |member: &str| made[member].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    /// Makes a webhook to a receiver.
    pub async fn hook_to(&self, receiver: &Receiver) -> (String, String) {
        self.hook(json!({ "url": receiver.url() })).await
    }

    /// A webhook as it stands.
    pub async fn read(&self, id: &str) -> Value {
        let reply = self.ask("GET", &format!("/{id}"), Value::Null).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["entity"].clone()
    }

    /// Waits until a webhook stands as wanted.
    pub async fn until(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let webhook = self.read(id).await;
            if fits(&webhook) {
                return webhook;
            }
            assert!(tokio::time::Instant::now() < deadline, "{what}: {webhook}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// All entities of a list below a webhook.
    pub async fn list(&self, rest: &str) -> Vec<Value> {
        let reply = self.ask("GET", &format!("{rest}?limit=100"), Value::Null).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["entities"].as_array().unwrap().clone()
    }

    /// Stores events with these numbers as their ids.
    pub async fn push(&self, ids: std::ops::Range<usize>) {
        push(&self.house, &self.inlet, "purchase", ids).await;
    }

    /// Every item of the stream, once there are so many.
    pub async fn stream(&self, items: usize) -> Vec<Value> {
        let path = format!("/v1/project/{}/stream?limit=1000", self.inlet.project);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.house.get(&self.manager, &path).await.json();
            let read = page["items"].as_array().unwrap().clone();
            if read.len() >= items {
                assert_eq!(read.len(), items);
                return read;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {items}", read.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A server on a database.
pub async fn node(database: &TestDatabase, options: Options) -> TestHouse {
    let stations = Stations { webhooks: options, ..stations() };
    TestHouse::with(tidegate::store::Database::new(database.config.clone()), stations, SystemClock::shared())
        .await
}

/// Stores events of a type with these numbers as their ids, one push each for the order of commits.
pub async fn push(house: &TestHouse, inlet: &Inlet, event_type: &str, ids: std::ops::Range<usize>) {
    for id in ids {
        let event = json!([{"_user_id": "u", "_event_id": id.to_string(), "_event_type": event_type,
                            "_event_parameters": {"amount": 1.5}}]);
        let reply = house.post(&inlet.token, &inlet.path("/stream/events"), &event).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
    }
}

/// The ids of the events that messages are about.
pub fn ids(hits: &[Hit]) -> Vec<usize> {
    hits.iter().map(|hit| hit.json()["data"]["_event_id"].as_str().unwrap().parse().unwrap()).collect()
}
