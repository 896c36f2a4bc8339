//! The outbound stream: pages, and what is new as it comes.

mod filters;

mod live;

mod pages;

mod retention;

mod sight;

use serde_json::{Value, json};
use tidegate::auth::scope::Scope;

use crate::support::{
    house::{Inlet, Reply, TestHouse},
    postgres::TestDatabase,
};

/// A house, a datasource, and a key that reads its project's stream.
pub struct Scene {
    pub house: TestHouse,
    pub inlet: Inlet,
    pub reader: String,
    pub database: TestDatabase,
}

impl Scene {
    pub async fn set() -> Self {
        let database = TestDatabase::create().await;
        let house = TestHouse::start(&database).await;
        let inlet = house.inlet().await;
        let scopes = [Scope::ProjectStreamRead, Scope::ProjectAudienceDataBasic];
        let (_, reader) = house.product_token(Some(&inlet.project), &scopes).await;
        Self { house, inlet, reader, database }
    }

    /// The path of the stream, with a query.
    pub fn path(&self, query: &str) -> String {
        format!("/v1/project/{}/stream{query}", self.inlet.project)
    }

    pub async fn push_events(&self, items: &Value) -> Reply {
        let reply = self.house.post(&self.inlet.token, &self.inlet.path("/stream/events"), items).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply
    }

    pub async fn push_contacts(&self, items: &Value) -> Reply {
        let reply = self.house.post(&self.inlet.token, &self.inlet.path("/stream/contacts"), items).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply
    }

    /// Events of a type with these numbers as their ids.
    pub async fn push_numbered(&self, event_type: &str, ids: std::ops::Range<usize>) {
        let all: Vec<Value> = ids
            .map(|id| json!({"_user_id": "u", "_event_id": id.to_string(), "_event_type": event_type}))
            .collect();
        for some in all.chunks(100) {
            self.push_events(&json!(some)).await;
        }
    }

    /// A page, as JSON.
    pub async fn page(&self, query: &str) -> Value {
        let reply = self.house.get(&self.reader, &self.path(query)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    /// All items behind a cursor, page by page, and the cursor behind them; waits until the stream has caught up with what was
    /// pushed.
    pub async fn read(&self, after: Option<&str>, filter: &str, limit: usize) -> (Vec<Value>, String) {
        let mut items = Vec::new();
        let mut after = after.map(str::to_owned);
        loop {
            let place = after.as_ref().map_or(String::new(), |after| format!("&after={after}"));
            let page = self.page(&format!("?limit={limit}{filter}{place}")).await;
            let some = page["items"].as_array().unwrap();
            assert!(some.len() <= limit);
            items.extend(some.iter().cloned());
            let next = page["next"].as_str().unwrap().to_owned();
            if page["caughtUp"] == true {
                return (items, next);
            }
            after = Some(next);
        }
    }

    /// Waits until the stream shows everything that was pushed: other databases of the server delay it.
    pub async fn settled(&self, items: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let (read, _) = self.read(None, "", 1_000).await;
            if read.len() >= items {
                assert_eq!(read.len(), items);
                return read;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {items}", read.len());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// What the items call themselves: their events' ids, or the types of changes.
pub fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["_event_id"].as_str().or(item["type"].as_str()).unwrap()).collect()
}
