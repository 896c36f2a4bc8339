//! A running house on a database of its own: what a test of the API talks to.

use std::sync::OnceLock;

use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use tidegate::{
    auth::{
        Vault, mint, personal,
        scope::{self, Scope},
        single::{self, Single},
        text::Kind,
    },
    cli::house::House,
    config::Stations,
    domain::{
        budget::Plan,
        caps::Caps,
        clock::{SharedClock, SystemClock, SystemEntropy},
        ids::{DatasourceUid, OrganizationUid, ProjectUid, UserUid},
        settings::DatasourcePatch,
    },
    http::State,
    store::{
        Database,
        audit::Actor,
        datasources::{self, NewDatasource},
        keys, projects,
        users::{self, NewUser},
    },
    telemetry,
};
use tokio::{sync::oneshot, task::JoinHandle};

use super::postgres::TestDatabase;

/// The metrics of this process; every house in it shares them.
pub fn metrics() -> PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS.get_or_init(|| telemetry::install_metrics().unwrap()).clone()
}

/// Options of a house that listens on free ports of loopback.
pub fn stations() -> Stations {
    Stations {
        http: tidegate::http::Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: "127.0.0.1:0".parse().unwrap(),
            workers: 1,
            drain_delay: std::time::Duration::ZERO,
            drain_timeout: std::time::Duration::from_secs(5),
            ..Default::default()
        },
        ingest: Default::default(),
        authority: Default::default(),
        caps: Caps::default(),
        body_timeout: std::time::Duration::from_secs(5),
        vault: vault("5a"),
        webhooks: Default::default(),
    }
}

/// A secret key whose bytes are all the same, in hex.
pub fn vault(byte: &str) -> Vault {
    Vault::Given(byte.repeat(32).parse().unwrap())
}

/// A house that answers.
pub struct TestHouse {
    /// `http://127.0.0.1:<port>`.
    pub base: String,
    /// Where the metrics are, `http://127.0.0.1:<port>/metrics`.
    pub metrics_url: String,
    /// Handles on its stations.
    pub state: State,
    /// How to reach its database.
    pub database: Database,
    /// A client without redirects.
    pub http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// A datasource with a token of its own.
#[derive(Debug, Clone)]
pub struct Inlet {
    pub project: String,
    pub datasource: String,
    pub token: String,
    pub key_id: uuid::Uuid,
}

impl Inlet {
    /// The path of a route below the datasource, such as `/stream/events`.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/project/{}/datasource/{}{rest}", self.project, self.datasource)
    }
}

impl TestHouse {
    /// One on a database, with the options of [`stations`].
    pub async fn start(database: &TestDatabase) -> Self {
        Self::with(Database::new(database.config.clone()), stations(), SystemClock::shared()).await
    }

    /// One with options and a clock of one's own.
    pub async fn with(database: Database, options: Stations, clock: SharedClock) -> Self {
        let client = database.connect(tidegate::store::Role::Command).await.unwrap();
        let uid = OrganizationUid::draw(&SystemEntropy).unwrap();
        projects::ensure_organization(&client, uid.as_str(), Some("Test")).await.unwrap();
        let house =
            House::open(database.clone(), options, metrics(), clock, SystemEntropy::shared()).await.unwrap();
        let (base, metrics_url) =
            (format!("http://{}", house.address()), format!("http://{}/metrics", house.metrics_address()));
        let state = house.state.clone();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            house.run(async { drop(stopped.await) }).await.unwrap();
        });
        state.ingest.connected().await;
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base, metrics_url, state, database, http, stop: Some(stop), running }
    }

    /// Ends it in order and waits until everything is written.
    pub async fn stop(mut self) {
        // Idle connections would hold up the end for a second.
        drop(self.http);
        drop(self.stop.take());
        self.running.await.unwrap();
    }

    /// Makes a project.
    pub async fn project(&self) -> String {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        let uid = ProjectUid::draw(&SystemEntropy).unwrap();
        projects::create(&mut client, uid.as_str(), "Project", Actor::local("test")).await.unwrap();
        uid.as_str().to_owned()
    }

    /// Makes a project with a datasource and a token, in force at once.
    pub async fn inlet(&self) -> Inlet {
        let project = self.project().await;
        self.datasource(&project, None, false, Some("ES")).await
    }

    /// Makes a datasource with a token in a project, in force at once.
    pub async fn datasource(
        &self,
        project: &str,
        plan: Option<Plan>,
        strict: bool,
        default_country: Option<&str>,
    ) -> Inlet {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        let uid = DatasourceUid::draw(&SystemEntropy).unwrap();
        let new = NewDatasource {
            project,
            uid: uid.as_str(),
            name: "Datasource",
            plan: plan.map(Plan::name),
            strict,
            default_country,
        };
        let token = mint::datasource_with_token(&mut client, &new, &SystemEntropy, Actor::local("test"))
            .await
            .unwrap()
            .unwrap();
        self.state.authority.refresh().await.unwrap();
        Inlet {
            project: project.to_owned(),
            datasource: uid.as_str().to_owned(),
            token: token.text.reveal().to_owned(),
            key_id: token.id,
        }
    }

    /// Makes a product token, in force at once; without a project it reaches all of them.
    pub async fn product_token(&self, project: Option<&str>, scopes: &[Scope]) -> (uuid::Uuid, String) {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        let request =
            mint::Request { kind: Kind::Product, name: "Product", project, datasource: None, scopes };
        let minted =
            mint::mint(&mut client, &request, &SystemEntropy, Actor::local("test")).await.unwrap().unwrap();
        self.state.authority.refresh().await.unwrap();
        (minted.id, minted.text.reveal().to_owned())
    }

    /// Makes a user who sees these projects, or all of them; answers its uid, which is also the local part of its address.
    pub async fn user(&self, role: scope::Role, projects: Option<&[String]>) -> String {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        let uid = UserUid::draw(&SystemEntropy).unwrap();
        let email = format!("{uid}@example.com");
        let (uid, role) = (uid.as_str(), role.name());
        let user = NewUser { uid, email: &email, role, projects, password: None, invitation: None };
        let made = users::create(&mut client, &user, Actor::local("test")).await.unwrap();
        assert_eq!(made, users::Made::User);
        uid.to_owned()
    }

    /// Makes a personal key of a user, in force at once.
    pub async fn personal_key(&self, user: &str, role: scope::Role) -> (uuid::Uuid, String) {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        let request = personal::Request { user, name: "Personal", description: "tests", role };
        let minted = personal::mint(&mut client, &request, &SystemEntropy, Actor::local("test"))
            .await
            .unwrap()
            .unwrap();
        self.state.authority.refresh().await.unwrap();
        (minted.id, minted.text.reveal().to_owned())
    }

    /// The instance key or event-stream key of a project, in force at once.
    pub async fn single_key(&self, project: &str, single: Single) -> String {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        let (vault, actor) = (&self.state.vault, Actor::local("test"));
        let shown =
            single::reveal(&mut client, vault, (project, single), &SystemEntropy, actor).await.unwrap();
        self.state.authority.refresh().await.unwrap();
        shown.text.reveal().to_owned()
    }

    /// Ends a key; in force at once on this house.
    pub async fn end_key(&self, id: uuid::Uuid, how: keys::End) {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        assert!(keys::end(&mut client, id, how, Actor::local("test")).await.unwrap());
        self.state.authority.refresh().await.unwrap();
    }

    /// Sets a budget; in force at once on this house.
    pub async fn limit(&self, datasource: &str, class: &str, per_minute: u32) {
        let mut client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        let limits = [(class.parse().unwrap(), Some(per_minute))].into();
        let patch = DatasourcePatch { limits, ..Default::default() };
        assert!(datasources::change(&mut client, datasource, &patch, Actor::local("test")).await.unwrap());
        self.state.authority.refresh().await.unwrap();
    }

    /// Any request, for a test that adds headers of its own.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Runs statements on the database.
    pub async fn sql(&self, statements: &str) {
        let client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        client.batch_execute(statements).await.unwrap();
    }

    /// The one number that a query answers.
    pub async fn number(&self, query: &str) -> i64 {
        let client = self.database.connect(tidegate::store::Role::Command).await.unwrap();
        client.query_one(query, &[]).await.unwrap().get(0)
    }

    /// `GET` with a key.
    pub async fn get(&self, key: &str, path: &str) -> Reply {
        Reply::of(self.http.get(format!("{}{path}", self.base)).bearer_auth(key)).await
    }

    /// `POST` of JSON with a key.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Reply {
        Reply::of(self.http.post(format!("{}{path}", self.base)).bearer_auth(key).json(body)).await
    }

    /// `POST` of any bytes with a key, declared as JSON.
    pub async fn post_bytes(&self, key: &str, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(key);
        Reply::of(request.header("Content-Type", "application/json").body(body)).await
    }

    /// `DELETE` with a key.
    pub async fn delete(&self, key: &str, path: &str) -> Reply {
        Reply::of(self.http.delete(format!("{}{path}", self.base)).bearer_auth(key)).await
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    /// Sends a request and reads the answer.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self::read(response).await
    }

    /// Reads an answer; of one that goes on for ever, what comes first.
    async fn read(mut response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let endless = headers.get("content-type").is_some_and(|value| value == "text/event-stream");
        let text = if endless {
            let first = response.chunk().await.unwrap().unwrap_or_default();
            String::from_utf8(first.to_vec()).unwrap()
        } else {
            response.text().await.unwrap()
        };
        Self { status, headers, text }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What became of each item of a push.
    pub fn outcomes(&self) -> Vec<String> {
        let answer = self.json();
        let items = answer["entity"]["items"].as_array().unwrap_or_else(|| panic!("{answer}"));
        items.iter().map(|item| item["outcome"].as_str().unwrap().to_owned()).collect()
    }

    /// The names of all headers that say something about a budget.
    pub fn rate_headers(&self) -> Vec<&str> {
        let names = self.headers.keys().map(reqwest::header::HeaderName::as_str);
        names.filter(|name| name.contains("ratelimit") || *name == "retry-after").collect()
    }

    /// The `code` of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
