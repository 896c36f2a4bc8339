//! A datasource as its senders see it.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::{home::Home, serve::Serve};

/// Where to push, and with which token.
#[derive(Debug, Clone)]
pub struct Inlet {
    /// Address of the routes below `/stream`.
    pub url: String,
    /// Uid of the datasource.
    pub datasource: String,
    /// Token of the datasource.
    pub token: String,
    /// Connections to the server.
    pub http: Client,
}

impl Inlet {
    /// The demo's.
    pub fn demo(serve: &Serve) -> Self {
        let (token, url) = serve.demo();
        let datasource = url.split('/').rev().nth(1).unwrap().to_owned();
        Self { url, datasource, token, http: Client::new() }
    }

    /// The demo's, with budgets that no test spends.
    pub async fn wide(home: &Home, serve: &Serve) -> Self {
        let inlet = Self::demo(serve);
        let of = ["--datasource", &inlet.datasource, "--per-minute", "1000000000"];
        for class in ["events.write", "contacts.write", "meta"] {
            home.run(["datasource", "limit", "--class", class].iter().chain(&of)).await.ok();
        }
        inlet.in_force("1000000000").await;
        inlet
    }

    /// The same datasource on another server.
    pub fn on(&self, serve: &Serve) -> Self {
        let path = self.url.split_once("/v1/").unwrap().1;
        Self { url: format!("{}/v1/{path}", serve.base), http: Client::new(), ..self.clone() }
    }

    /// The same datasource with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Waits until pushes are paced by this budget.
    pub async fn in_force(&self, limit: &str) {
        crate::home::until("the new budget", std::time::Duration::from_secs(1), async || {
            let answer = self.http.get(&self.url).bearer_auth(&self.token).send().await.unwrap();
            let pushed = self.events_dry().await.unwrap();
            let limited =
                |answer: &Response| answer.headers()["x-ratelimit-limit"].to_str().unwrap() == limit;
            limited(&answer) && limited(&pushed)
        })
        .await;
    }

    async fn events_dry(&self) -> reqwest::Result<Response> {
        let url = format!("{}/events?_dryRun", self.url);
        self.http.post(url).bearer_auth(&self.token).json(&json!([event("dry")])).send().await
    }

    /// The status of the probe.
    pub async fn probe(&self) -> u16 {
        self.http.get(&self.url).bearer_auth(&self.token).send().await.unwrap().status().as_u16()
    }

    /// Pushes events.
    pub async fn push(&self, events: &Value) -> reqwest::Result<Response> {
        self.http.post(format!("{}/events", self.url)).bearer_auth(&self.token).json(events).send().await
    }
}

/// An event with this id.
pub fn event(id: &str) -> Value {
    json!({ "_user_id": "ada", "_event_id": id, "_event_type": "purchase",
            "_event_parameters": { "order_id": id, "amount": "12.50", "currency": "EUR" } })
}
