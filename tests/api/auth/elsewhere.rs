//! Two servers on one database: what ends on one ends on the other within a second, also while the other's connections are being ended;
//! and what is made on one works on the other, which had refused it just before.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tidegate::{
    auth::scope::{Role, Scope},
    domain::clock::SystemClock,
    store::{Database, Role as Connection, audit::Actor, users},
};
use tokio::time::{Instant, sleep};

use crate::support::{
    house::{Reply, TestHouse, stations},
    postgres::TestDatabase,
};

const ROUNDS: usize = 100;

/// Rounds that run side by side, each on a project of its own.
const AT_ONCE: usize = 5;

const SECOND: Duration = Duration::from_secs(1);

/// Between two endings of the other node's connections.
const BLOW: Duration = Duration::from_millis(100);

/// The two servers. The other one has a database user of its own, by which its sessions are known.
struct Nodes {
    here: TestHouse,
    there: TestHouse,
    role: String,
}

impl Nodes {
    async fn start(database: &TestDatabase) -> Self {
        let here = TestHouse::start(database).await;
        let role = format!("other_{}", crate::support::folder::random_hex());
        here.sql(&format!("create role {role} superuser login")).await;
        let mut config = database.config.clone();
        config.user(&role);
        let there = TestHouse::with(Database::new(config), stations(), SystemClock::shared()).await;
        Self { here, there, role }
    }

    async fn stop(self) {
        self.there.stop().await;
        self.here.sql(&format!("drop role {}", self.role)).await;
        self.here.stop().await;
    }

    /// Ends the other node's sessions again and again, until it is told to stop; answers how many that were.
    async fn blows(&self, stop: Arc<AtomicBool>) -> i64 {
        let client = self.here.database.connect(Connection::Command).await.unwrap();
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = $1";
        let mut ended = 0;
        while !stop.load(Ordering::Relaxed) {
            ended += client.query_one(end, &[&self.role]).await.unwrap().get::<_, i64>(0);
            sleep(BLOW).await;
        }
        ended
    }
}

/// A key as one of the nodes made it.
struct Made {
    id: String,
    text: String,
}

impl Made {
    fn of(reply: &Reply) -> Self {
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
        let answer = reply.json();
        let entity = if answer["entity"].is_object() { &answer["entity"] } else { &answer };
        let text = |name: &str| entity[name].as_str().unwrap_or_default().to_owned();
        Self { id: text("id"), text: text("key") }
    }
}

/// Waits until the other node answers a key in one way, at most for a second after `since`.
async fn answers(nodes: &Nodes, key: &str, path: &str, wanted: fn(u16) -> bool, since: Instant) {
    loop {
        let status = nodes.there.get(key, path).await.status;
        let late = since.elapsed() > SECOND;
        if wanted(status) {
            return;
        }
        assert!(!late, "{status} from the other node more than a second after the answer");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_begin_and_end_everywhere_within_a_second() {
    let database = TestDatabase::create().await;
    let nodes = Nodes::start(&database).await;
    // The keys' own budget is not what this is about.
    let wide = "alter table project alter limits set default '{\"manage\": 1000000000, \"meta\": 1000000000}'; \
                alter table datasource alter limits set default '{\"meta\": 1000000000}'";
    nodes.here.sql(wide).await;
    let mut managers = Vec::new();
    for _ in 0..AT_ONCE {
        let inlet = nodes.here.inlet().await;
        let (_, key) = nodes.here.product_token(Some(&inlet.project), Scope::ALL).await;
        managers.push((inlet, key));
    }
    let mut ended = 0;
    for struck in [false, true] {
        let stop = Arc::new(AtomicBool::new(!struck));
        let rounds = managers.iter().map(async |(inlet, key)| {
            for _ in 0..ROUNDS / 2 / AT_ONCE {
                round(&nodes, &inlet.project, &inlet.datasource, key).await;
            }
        });
        let rounds = async {
            join_all(rounds).await;
            stop.store(true, Ordering::Relaxed);
        };
        ended += tokio::join!(nodes.blows(stop.clone()), rounds).0;
    }
    assert!(ended > 20, "only {ended} sessions of the other node were ended");
    nodes.stop().await;
}

/// Makes four keys here and ends each in its own way.
async fn round(nodes: &Nodes, project: &str, datasource: &str, manager: &str) {
    let here = &nodes.here;
    let base = format!("/v1/project/{project}");
    let probe = format!("{base}/datasource/{datasource}/stream/specs/events");
    let new = json!({ "kind": "datasource", "name": "One", "datasourceUid": datasource });
    let token = async || Made::of(&here.post(manager, &format!("{base}/keys"), &new).await);
    let regenerate = format!("{base}/instance-key/regenerate");
    let user = here.user(Role::ReadOnly, None).await;
    let personal = here.personal_key(&user, Role::ReadOnly).await.1;
    let (revoked, deleted) = (token().await, token().await);
    let instance = Made::of(&here.post(manager, &regenerate, &Value::Null).await);
    let made = Instant::now();
    let keys = [&revoked.text, &deleted.text, &instance.text, &personal];
    for key in keys {
        assert_eq!(here.get(key, &probe).await.status, 200, "in force at once where it was made");
        answers(nodes, key, &probe, |status| status == 200, made).await;
    }
    let path = |made: &Made, rest: &str| format!("{base}/keys/{}{rest}", made.id);
    let revoke = here.post(manager, &path(&revoked, "/revoke"), &Value::Null).await;
    let delete = here.delete(manager, &path(&deleted, "")).await;
    assert_eq!((revoke.status, delete.status), (200, 200), "{} {}", revoke.text, delete.text);
    Made::of(&here.post(manager, &regenerate, &Value::Null).await);
    let mut client = here.database.connect(Connection::Command).await.unwrap();
    let email = format!("{user}@example.com");
    assert!(users::disable(&mut client, &email, Actor::local("test")).await.unwrap().is_some());
    here.state.authority.refresh().await.unwrap();
    let done = Instant::now();
    for key in keys {
        assert_eq!(here.get(key, &probe).await.status, 401, "at once where it was ended");
        answers(nodes, key, &probe, |status| status == 401, done).await;
    }
}
