//! The people of a project: found by any of their names, masked by scope, with what happened to them.

mod search;

mod timeline;

use serde_json::{Value, json};
use tidegate::auth::scope::Scope;

use crate::support::house::{Inlet, Reply, TestHouse};

/// A key that may read the audience of one project, and the audience's path.
pub struct Reader {
    pub key: String,
    pub base: String,
}

impl Reader {
    pub async fn with(house: &TestHouse, inlet: &Inlet, scopes: &[Scope]) -> Self {
        let (_, key) = house.product_token(Some(&inlet.project), scopes).await;
        Self { key, base: format!("/v1/project/{}/audience", inlet.project) }
    }

    /// One that sees everything.
    pub async fn of(house: &TestHouse, inlet: &Inlet) -> Self {
        let scopes =
            [Scope::ProjectAudienceRead, Scope::ProjectAudienceDataBasic, Scope::ProjectAudienceDataEvents];
        Self::with(house, inlet, &scopes).await
    }

    pub async fn get(&self, house: &TestHouse, rest: &str) -> Reply {
        house.get(&self.key, &format!("{}{rest}", self.base)).await
    }

    /// The own id of the contact that this path finds.
    pub async fn id(&self, house: &TestHouse, rest: &str) -> String {
        let reply = self.get(house, rest).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["entity"]["id"].as_str().unwrap().to_owned()
    }
}

/// Stores one contact.
pub async fn contact(house: &TestHouse, inlet: &Inlet, contact: Value) {
    let reply = house.post(&inlet.token, &inlet.path("/stream/contacts"), &json!([contact])).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
}
