//! What the tour leans on: commands and requests whose secrets are remembered, and all that they say otherwise.

use std::process::Stdio;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::Value;
use tidegate::auth::text::{Kind, parse};
use tokio::io::AsyncWriteExt;

use super::needles::Secret;
use crate::{
    home::{Home, PATIENCE, Ran, until},
    serve::Serve,
};

/// As much as our own crate can say, and what an operator may ask of the web server besides.
pub const LOG: &str = "warn,actix_http=off,tidegate=trace,actix_web=debug,actix_server=debug";

/// How a request shows its key.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// `Authorization: Bearer <key>`.
    Bearer(&'a str),
    /// `Authorization: <key>`.
    Raw(&'a str),
    /// `?api_key=<key>`.
    Query(&'a str),
    /// Not at all.
    Without,
}

/// A tour under way.
#[derive(Debug)]
pub struct Tour<'a> {
    home: &'a Home,
    pub base: String,
    pub http: reqwest::Client,
    /// Everything that must not be seen.
    pub secrets: Vec<Secret>,
    /// The texts of all keys among them.
    pub keys: Vec<String>,
    /// What the commands wrote to standard error, their log lines among it.
    pub said: String,
    /// Heads and bodies of all answers but those that are there to show a key.
    pub answers: String,
}

impl<'a> Tour<'a> {
    pub fn of(home: &'a Home, serve: &Serve) -> Self {
        let (secrets, keys, said, answers) = Default::default();
        Self { home, base: serve.base.clone(), http: reqwest::Client::new(), secrets, keys, said, answers }
    }

    /// Remembers a key.
    pub fn keep(&mut self, text: &Value) -> String {
        let text = text.as_str().unwrap_or_else(|| panic!("no key: {text}")).to_owned();
        assert!(parse(&text).is_some(), "no key: {text}");
        if !self.keys.contains(&text) {
            self.secrets.push(Secret::key(&text));
            self.keys.push(text.clone());
        }
        text
    }

    /// Remembers the secret key in the file of the private server.
    pub fn keep_secret_key(&mut self) {
        let text = std::fs::read_to_string(self.home.data_dir().join("secret-key")).unwrap();
        let bytes = STANDARD.decode(text.trim()).unwrap();
        self.secrets.push(Secret::of(format!("secret key {}", self.secrets.len()), &bytes));
    }

    /// Runs a command.
    pub async fn run(&mut self, arguments: &[&str]) -> Ran {
        self.piped(arguments, "").await
    }

    /// Runs a command with this on its standard input.
    pub async fn piped(&mut self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.home.command(["--log", LOG].iter().chain(arguments));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        self.said.push_str(&ran.err);
        ran
    }

    /// Runs a command that shows a key; its JSON and the key.
    pub async fn made(&mut self, arguments: &[&str]) -> (Value, String) {
        let made = self.run(&[arguments, &["--json"]].concat()).await.json();
        let key = self.keep(if made["key"].is_null() { &made["token"] } else { &made["key"] });
        (made, key)
    }

    /// Sends a request; its status and its body as text. Without a key in it, the answer is remembered.
    pub async fn send(&mut self, method: &str, path: &str, way: Way<'_>, body: &Value) -> (u16, String) {
        let url = match way {
            Way::Query(key) => {
                format!("{}{path}{}api_key={key}", self.base, if path.contains('?') { '&' } else { '?' })
            }
            _ => format!("{}{path}", self.base),
        };
        let request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        let request = match way {
            Way::Bearer(key) => request.bearer_auth(key),
            Way::Raw(key) => request.header("Authorization", key),
            Way::Query(_) | Way::Without => request,
        };
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.unwrap();
        let (status, head) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
        let text = answer.text().await.unwrap();
        self.answers.push_str(&head);
        let shows = serde_json::from_str::<Value>(&text)
            .is_ok_and(|body| body["entity"]["key"].is_string() || body["secret"].is_string());
        if !shows {
            self.answers.push_str(&text);
        }
        (status, text)
    }

    /// Sends a request that has to be answered with this status.
    #[track_caller]
    pub fn expect<'b>(
        &'b mut self,
        status: u16,
        method: &'b str,
        path: &'b str,
        way: Way<'b>,
        body: &'b Value,
    ) -> impl Future<Output = Value> + use<'a, 'b> {
        let place = std::panic::Location::caller();
        async move {
            let (seen, text) = self.send(method, path, way, body).await;
            assert_eq!(seen, status, "{place}: {method} {path} {way:?}: {text}");
            serde_json::from_str(&text).unwrap_or(Value::Null)
        }
    }

    /// Sends a request that has to be answered with a new key; its entity and the key.
    pub async fn shown(&mut self, status: u16, path: &str, way: Way<'_>, body: &Value) -> (String, String) {
        let answer = self.expect(status, "POST", path, way, body).await;
        let key = self.keep(&answer["entity"]["key"]);
        (answer["entity"]["id"].as_str().unwrap().to_owned(), key)
    }

    /// Sends a request that has to be answered with the secret of a webhook; the webhook's id.
    pub async fn signed(&mut self, status: u16, path: &str, way: Way<'_>, body: &Value) -> String {
        let answer = self.expect(status, "POST", path, way, body).await;
        let secret = answer["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
        let bytes = STANDARD.decode(secret).unwrap();
        self.secrets.push(Secret::of(format!("the secret of a webhook {}", self.secrets.len()), &bytes));
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the server knows a key that a command made.
    pub async fn in_force(&self, key: &str) {
        until("the key is in force", PATIENCE, async || {
            let asked = self.http.get(format!("{}/v1/me", self.base)).bearer_auth(key).send().await.unwrap();
            asked.status() == 200
        })
        .await;
    }

    /// The kinds of which there is a key.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.keys.iter().filter_map(|key| Kind::of_text(key)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}
