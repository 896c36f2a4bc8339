//! The end in order: a signal turns readiness, what is in flight is answered, what was acknowledged is stored.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tidegate::store::managed::{Options, Role, open};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    commands::url_of,
    home::{Home, PATIENCE, PROGRAM, bare, until},
    inlet::{Inlet, event},
    pushers::Pushers,
    serve::Serve,
};

/// A push whose body arrives in two halves.
struct Slow {
    stream: TcpStream,
    rest: String,
}

impl Slow {
    async fn begin(inlet: &Inlet, id: &str) -> Self {
        let body = json!([event(id)]).to_string();
        let (host, path) = inlet.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (token, length) = (&inlet.token, body.len());
        let head = format!(
            "POST /{path}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        let (half, rest) = body.split_at(length / 2);
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(format!("{head}{half}").as_bytes()).await.unwrap();
        Self { stream, rest: rest.to_owned() }
    }

    /// Sends the rest and reads to the end of the connection.
    async fn finish(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, self.stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }
}

/// A `GET /health/ready` on an open connection; the status line.
async fn ready(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = timeout(PATIENCE, stream.read(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

async fn in_flight(serve: &Serve) -> u64 {
    let page = reqwest::get(&serve.metrics).await.unwrap().text().await.unwrap();
    let level = page.lines().find_map(|line| line.strip_prefix("tidegate_queue_bytes "));
    level.map_or(0, |level| level.parse::<f64>().unwrap() as u64)
}

async fn drains(signal: Signal) {
    let home = Home::new();
    let mut serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    let slow = Slow::begin(&inlet, "slow").await;
    until("the slow push is in the house", PATIENCE, async || in_flight(&serve).await > 0).await;
    let mut probe = TcpStream::connect(serve.base.strip_prefix("http://").unwrap()).await.unwrap();
    assert!(ready(&mut probe).await.contains("200"));
    let pushers = Pushers::start(&inlet, 6, "p");
    pushers.acknowledged(200).await;

    serve.signal(signal);
    let deadline = Instant::now() + PATIENCE;
    loop {
        // A connection each: one whose answer crosses the signal may be told 200 and closed after it.
        let mut probe = TcpStream::connect(serve.base.strip_prefix("http://").unwrap()).await.unwrap();
        let said = ready(&mut probe).await;
        assert!(!said.is_empty() && Instant::now() < deadline, "readiness never turned: {said}");
        if said.contains("503") {
            break;
        }
    }
    // One that connects now is told at once to go elsewhere, and not left waiting for the slow push.
    let began = Instant::now();
    let late = serve.status("/health/ready").await;
    assert!(late.is_none_or(|status| status == 503), "{late:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "a newcomer was left waiting: {:?}", began.elapsed());
    let answer = slow.finish().await;
    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.contains("\"stored\""), "{answer}");
    assert_eq!(serve.ended().await.code(), Some(0), "{}", serve.logged());
    assert!(home.postmaster().is_none(), "PostgreSQL was left running");

    let seen = pushers.stop().await;
    assert_eq!(seen.broken, 0, "answers broke off");
    assert_eq!(seen.dropped, 0, "requests were taken and never answered");
    assert!(seen.statuses.iter().all(|status| *status == 503), "{:?}", seen.statuses);
    let mut acknowledged = seen.acknowledged;
    acknowledged.push("slow".to_owned());
    let serve = Serve::start(&home).await;
    let stored = "select count(*) from event where kind = 'e' and event_id = any($1)";
    let stored: i64 = home.client().await.query_one(stored, &[&acknowledged]).await.unwrap().get(0);
    assert_eq!(stored, i64::try_from(acknowledged.len()).unwrap(), "every acknowledged event, once");
    serve.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_loses_no_request() {
    drains(Signal::TERM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_loses_no_request() {
    drains(Signal::INT).await;
}

#[tokio::test]
async fn a_second_signal_ends_it() {
    let home = Home::new();
    let mut serve = Serve::start(&home).await;
    let inlet = Inlet::demo(&serve);
    let slow = Slow::begin(&inlet, "never").await;
    until("the slow push is in the house", PATIENCE, async || in_flight(&serve).await > 0).await;
    serve.signal(Signal::TERM);
    until("it drains", PATIENCE, async || serve.logged().contains("draining")).await;
    let began = Instant::now();
    serve.signal(Signal::INT);
    let status = serve.ended().await;
    assert_ne!(status.code(), Some(0), "what was in flight was not answered");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(serve.logged().contains("second signal"), "{}", serve.logged());
    assert!(home.postmaster().is_none(), "PostgreSQL was left running");
    drop(slow);
}

#[tokio::test]
async fn a_signal_during_the_start_ends_it_and_leaves_nothing() {
    let home = Home::new();
    let mut command = home.command(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    until("the lock shows that it is at work", PATIENCE, async || home.data_dir().join("lock").exists())
        .await;
    let pid = Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    until("PostgreSQL ends", PATIENCE, async || home.postmaster().is_none()).await;
    Serve::start(&home).await.stop().await;
}

/// The lock that starters queue on while one of them migrates.
const MIGRATION: i64 = 0x7469_6465_6761_7465;

#[tokio::test]
async fn a_signal_while_another_server_migrates_ends_it() {
    let home = Home::new();
    let server = open(&Options::new(home.data_dir()), Role::Owner).await.unwrap();
    let other = home.client().await;
    other.execute("select pg_advisory_lock($1)", &[&MIGRATION]).await.unwrap();
    let mut command = bare(PROGRAM, home.folder());
    command.args(["serve", "--database-url", &url_of(&home)]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
    until("it waits", PATIENCE, async || home.number(waiting).await == 1).await;
    kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    let ended = timeout(Duration::from_secs(5), child.wait()).await;
    assert_eq!(ended.expect("it goes on waiting").unwrap().code(), Some(0));
    server.stop().await.unwrap();
}
