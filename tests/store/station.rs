//! A writer on a database, driven without HTTP, and the means to hold it up.

use std::time::Duration;

use tidegate::{
    domain::{
        clock::{SharedClock, SystemClock, SystemEntropy},
        contact::{Change, ContactDraft},
        event::EventDraft,
        ids::Inlet,
    },
    ingest::{
        ContactOp, Handle, Options, Receipt, Refused, Work, Writer,
        fates::Kind,
        ledger::{Account, Asked, Ledger},
    },
    store::{Database, Role},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_postgres::{Client, Config};

use crate::support::postgres::connect;

/// What `append` gives.
pub type Answer = Result<Receipt, Refused>;

/// A running writer.
pub struct Station {
    pub handle: Handle,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Station {
    /// One that has a connection.
    pub async fn start(config: &Config, options: Options) -> Self {
        Self::with_clock(config, options, SystemClock::shared()).await
    }

    /// One with a clock of one's own.
    pub async fn with_clock(config: &Config, options: Options, clock: SharedClock) -> Self {
        // Counters are looked up once a process; before there is a recorder, they would count nowhere for ever.
        crate::support::house::metrics();
        let database = Database::new(config.clone());
        let reads = database.pool(Role::Read, 1).unwrap();
        let ledger = Ledger::new(reads.clone(), reads.clone(), clock.clone());
        let (writer, handle) = Writer::new(options, database, reads, ledger, clock, SystemEntropy::shared());
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(writer.run(stopped));
        handle.connected().await;
        Self { handle, stop, running }
    }

    /// Stores a batch of datasource 1.
    pub async fn append(&self, work: Work) -> Answer {
        append(&self.handle, 1, work).await
    }

    /// Hands a batch over and answers once it waits in the queue or is being written.
    pub async fn enqueue(&self, datasource: i64, work: Work) -> JoinHandle<Answer> {
        let (before, items) = (self.handle.depth().0, work.len());
        let handle = self.handle.clone();
        let answer = tokio::spawn(async move { append(&handle, datasource, work).await });
        until("the batch is queued", async || self.handle.depth().0 >= before + items).await;
        answer
    }

    /// Asks it to end.
    pub fn ask_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Ends it in order.
    pub async fn stop(self) {
        self.ask_to_stop();
        self.running.await.unwrap();
    }
}

/// Stores a batch of a datasource of project 1.
pub async fn append(handle: &Handle, datasource: i64, work: Work) -> Answer {
    append_to(handle, Inlet { project: 1, datasource }, work).await
}

/// Stores a batch of any datasource.
pub async fn append_to(handle: &Handle, inlet: Inlet, work: Work) -> Answer {
    let kind = match work {
        Work::Events(_) => Kind::Event,
        Work::Contacts(_) => Kind::Contact,
    };
    let account = Account { kind, asked: Asked::Push, bad: 0 };
    handle.append(handle.admit(inlet, 1_000)?, inlet, work, account).await
}

/// One lane, so that what waits together is written together.
pub fn one_lane() -> Options {
    Options { lanes: 1, ..Options::default() }
}

/// Events of one user with these ids; `content` tells those that mean the same from others.
pub fn events<I: Into<String>>(ids: impl IntoIterator<Item = I>, content: u8) -> Work {
    Work::Events(drafts(ids, content).iter().collect())
}

/// The same, not encoded yet.
pub fn drafts<I: Into<String>>(ids: impl IntoIterator<Item = I>, content: u8) -> Vec<EventDraft> {
    let event = |id: I| EventDraft {
        user_id: "somebody".into(),
        event_id: id.into(),
        event_type: "visited".into(),
        occurred_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        date_given: false,
        parameters: format!("{{\"content\":{content}}}"),
        content: [content; 16],
    };
    ids.into_iter().map(event).collect()
}

/// Upserts of contacts with these ids that all set one attribute.
pub fn contacts<I: Into<String>>(ids: impl IntoIterator<Item = I>, content: u8) -> Work {
    let changes = vec![("content".to_owned(), Change::Set(content.to_string()))];
    let upsert = |id: I| ContactOp::Upsert(ContactDraft { user_id: id.into(), changes: changes.clone() });
    Work::Contacts(ids.into_iter().map(upsert).collect())
}

/// Deletions of contacts with these ids.
pub fn deletions<I: Into<String>>(ids: impl IntoIterator<Item = I>) -> Work {
    Work::Contacts(ids.into_iter().map(|id| ContactOp::Delete { user_id: id.into() }).collect())
}

/// `<prefix>0`, `<prefix>1`, …
pub fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

/// A lock on a table that lets nobody write it. It takes no transaction id, so the horizon moves on.
pub struct Barrier {
    client: Client,
    table: &'static str,
}

impl Barrier {
    /// Takes the lock.
    pub async fn before(config: &Config, table: &'static str) -> Self {
        let client = connect(config).await;
        client.batch_execute(&format!("begin; lock table {table} in share mode")).await.unwrap();
        Self { client, table }
    }

    /// Waits until a lane stands before it.
    pub async fn holds_a_lane(&self) {
        let waiting = "select count(*) from pg_locks join pg_database d on d.oid = database
                       where not granted and relation = $1::text::regclass and datname = current_database()";
        until("a lane waits", async || count(&self.client, waiting, &[&self.table]).await > 0).await;
    }

    /// Lets everybody through.
    pub async fn lift(self) {
        self.client.batch_execute("commit").await.unwrap();
    }
}

/// Waits for a condition, and fails when it does not come true.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// The number that a query answers.
pub async fn count(
    client: &Client,
    query: &str,
    parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> i64 {
    client.query_one(query, parameters).await.unwrap().get(0)
}

/// How many rows a table holds.
pub async fn rows(client: &Client, table: &str) -> i64 {
    count(client, &format!("select count(*) from {table}"), &[]).await
}
