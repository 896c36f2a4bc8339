//! What clients manage: specs, datasources and projects, in force as soon as it is answered.

mod account;

mod datasources;

pub mod keys;

mod rotation;

mod me;

mod audit_log;

mod projects;

mod purge;

mod single_keys;

mod specs;

pub mod repeat;

use serde_json::Value;
use tidegate::auth::scope::Scope;

use crate::support::house::{Inlet, Reply, TestHouse};

/// A key that may manage and read one project, and the project's path.
pub struct Manager {
    pub key: String,
    pub base: String,
}

impl Manager {
    pub async fn of(house: &TestHouse, inlet: &Inlet) -> Self {
        let scopes = [Scope::ProjectManage, Scope::ProjectRead];
        let (_, key) = house.product_token(Some(&inlet.project), &scopes).await;
        Self { key, base: format!("/v1/project/{}", inlet.project) }
    }

    /// Any method below the project; a body unless it is `null`.
    pub async fn ask(&self, house: &TestHouse, method: &str, rest: &str, body: Value) -> Reply {
        let request = house.request(method, &format!("{}{rest}", self.base)).bearer_auth(&self.key);
        Reply::of(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub async fn get(&self, house: &TestHouse, rest: &str) -> Reply {
        self.ask(house, "GET", rest, Value::Null).await
    }
}

/// The pointers of a refused body.
pub fn pointers(reply: &Reply) -> Vec<String> {
    assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_body"), "{}", reply.text);
    let problem = reply.json();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}
