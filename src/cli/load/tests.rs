//! Loads against a server of a few lines that answers, breaks, refuses and stalls as it is told.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::domain::clock::SystemClock;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What the server does with each request, in order; then it answers 200.
type Deeds = Arc<Mutex<VecDeque<Deed>>>;

#[derive(Clone, Copy)]
enum Deed {
    Say(&'static str),
    /// Says it byte by byte.
    Dribble(&'static str),
    Break,
    Ignore,
}

/// A server with its address and the requests that came in.
async fn server(deeds: impl IntoIterator<Item = Deed>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let deeds: Deeds = Arc::new(Mutex::new(deeds.into_iter().collect()));
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let requests = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, deeds.clone(), requests.clone()));
        }
    });
    (url, seen)
}

async fn serve(mut stream: TcpStream, deeds: Deeds, seen: Arc<Mutex<Vec<String>>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        seen.lock().push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        let deed = deeds.lock().pop_front().unwrap_or(Deed::Say(OK));
        match deed {
            Deed::Say(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Deed::Dribble(answer) => {
                for byte in answer.bytes() {
                    stream.write_all(&[byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            Deed::Break => return,
            Deed::Ignore => {}
        }
    }
}

/// Sends so many requests and remembers what it was told.
#[derive(Debug)]
struct Numbered {
    left: usize,
    sent: usize,
    bodies: Vec<String>,
    unsure: usize,
    given_up: Vec<bool>,
}

impl Numbered {
    fn new(left: usize) -> Self {
        Self { left, sent: 0, bodies: Vec::new(), unsure: 0, given_up: Vec::new() }
    }
}

impl Script for Numbered {
    fn render(&mut self, request: &mut Vec<u8>) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        request.extend_from_slice(format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", self.sent).as_bytes());
        self.sent += 1;
        Some(3)
    }

    fn answered(&mut self, answer: &Answer<'_>, _counts: &mut Counts) -> Verdict {
        self.bodies.push(String::from_utf8_lossy(answer.body).into_owned());
        by_status(answer.status)
    }

    fn unsure(&mut self) {
        self.unsure += 1;
    }

    fn given_up(&mut self, unsure: bool) {
        self.given_up.push(unsure);
    }
}

async fn plan(url: &str) -> Plan {
    Plan::new(Endpoint::find(url).await.unwrap())
}

async fn drive<S: Script>(plan: Plan, scripts: Vec<S>) -> Result<Ended<S>, LoadError> {
    let drive = Drive::new(plan, SystemClock::shared()).unwrap();
    tokio::task::spawn_blocking(move || drive.run(scripts)).await.unwrap()
}

#[tokio::test]
async fn every_request_is_answered_and_counted_once() {
    let (url, seen) = server([]).await;
    let scripts = (0..8).map(|_| Numbered::new(25)).collect();
    let ended = drive(Plan { threads: 2, ..plan(&url).await }, scripts).await.unwrap();
    let counts = ended.counts;
    assert_eq!((counts.done, counts.items, counts.failed, counts.retries), (200, 600, 0, 0));
    assert_eq!(counts.statuses, [(200, 200)].into());
    assert_eq!(counts.latencies.len(), 200);
    assert_eq!(counts.received, 200 * OK.len() as u64);
    assert_eq!(counts.sent, seen.lock().iter().map(|request| request.len() as u64).sum::<u64>());
    assert_eq!(ended.scripts.len(), 8);
}

#[tokio::test]
async fn a_schedule_sends_as_many_as_were_due() {
    let (url, seen) = server([]).await;
    let pace = Pace::Rate(500.0);
    let plan = Plan { pace, duration: Duration::from_millis(200), ..plan(&url).await };
    let ended = drive(plan, (0..4).map(|_| Numbered::new(usize::MAX)).collect()).await.unwrap();
    assert_eq!(ended.counts.done + ended.counts.unsent, 100);
    assert_eq!(ended.counts.latencies.len(), 100);
    assert_eq!(seen.lock().len() as u64, ended.counts.done);
}

#[tokio::test]
async fn answers_are_read_however_they_are_framed() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\nA;x=y\r\n 10 bytes.\r\n0\r\nt: 1\r\n\r\n";
    let deeds = [
        Deed::Dribble(chunked),
        Deed::Say(chunked),
        Deed::Say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\none"),
        Deed::Dribble("HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\ntwo"),
        Deed::Say("HTTP/1.1 204 No Content\r\n\r\n"),
    ];
    let (url, seen) = server(deeds).await;
    let ended = drive(plan(&url).await, vec![Numbered::new(6)]).await.unwrap();
    assert_eq!(ended.scripts[0].bodies, ["body 10 bytes.", "body 10 bytes.", "one", "two", "", "ok"]);
    assert_eq!((ended.counts.done, ended.counts.broken, ended.counts.retries), (6, 0, 0));
    assert_eq!(seen.lock().len(), 6);
}

#[tokio::test]
async fn what_broke_is_sent_again_with_the_same_bytes() {
    let (url, seen) = server([Deed::Break, Deed::Say("no HTTP at all\r\n\r\n")]).await;
    let ended = drive(plan(&url).await, vec![Numbered::new(2)]).await.unwrap();
    let script = &ended.scripts[0];
    assert_eq!((script.unsure, script.given_up.as_slice()), (2, [].as_slice()));
    assert_eq!((ended.counts.done, ended.counts.broken, ended.counts.retries), (2, 2, 2));
    let paths: Vec<String> =
        seen.lock().iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(paths, ["/0", "/0", "/0", "/1"]);
    assert!(ended.counts.trouble.is_some());
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_as_long_as_was_said_and_settled_after_the_end() {
    let (url, seen) = server([Deed::Ignore, Deed::Ignore]).await;
    let brief = Duration::from_millis(50);
    let plan = Plan { timeout: brief, duration: brief, ..plan(&url).await };
    let ended = drive(plan, vec![Numbered::new(usize::MAX)]).await.unwrap();
    assert_eq!((ended.counts.done, ended.counts.broken, ended.scripts[0].unsure), (1, 2, 2));
    assert_eq!(seen.lock().len(), 3);
}

#[tokio::test]
async fn what_is_never_settled_is_given_up_as_unsure() {
    let (url, _) = server((0..1_000).map(|_| Deed::Break)).await;
    let brief = Duration::from_millis(50);
    let plan = Plan { duration: brief, settle: brief, ..plan(&url).await };
    let ended = drive(plan, vec![Numbered::new(usize::MAX)]).await.unwrap();
    assert_eq!((ended.counts.done, ended.counts.failed), (0, 1));
    assert_eq!(ended.scripts[0].given_up, [true]);
}

const REFUSED: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn retry_after_is_honoured() {
    let (url, _) = server([Deed::Say(REFUSED)]).await;
    let ended = drive(plan(&url).await, vec![Numbered::new(1)]).await.unwrap();
    assert_eq!((ended.counts.done, ended.counts.retries, ended.scripts[0].sent), (1, 1, 1));
    assert_eq!(ended.counts.statuses, [(200, 1), (429, 1)].into());
    assert!(ended.counts.longest() >= Duration::from_secs(1), "the wait is part of the latency");
}

#[tokio::test]
async fn or_ignored_where_that_is_wanted() {
    let (url, _) = server([Deed::Say(REFUSED), Deed::Say(REFUSED)]).await;
    let plan = Plan { honour_retry_after: false, ..plan(&url).await };
    let ended = drive(plan, vec![Numbered::new(3)]).await.unwrap();
    assert_eq!((ended.counts.done, ended.counts.failed, ended.counts.retries), (1, 2, 0));
    assert_eq!(ended.scripts[0].given_up, [false, false]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let (elsewhere, visited) = server([]).await;
    let redirect =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    let (url, seen) = server([Deed::Say(redirect.leak())]).await;
    let ended = drive(plan(&url).await, vec![Numbered::new(1)]).await.unwrap();
    assert_eq!((ended.counts.failed, ended.counts.statuses), (1, [(307, 1)].into()));
    assert_eq!((seen.lock().len(), visited.lock().len()), (1, 0));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = drive(plan(&url).await, vec![Numbered::new(1), Numbered::new(1)]).await.unwrap_err();
    assert!(matches!(error, LoadError::Connect { made: 0, wanted: 2, .. }), "{error}");
}

#[tokio::test]
async fn a_stop_ends_it_early() {
    let (url, _) = server([]).await;
    let plan = Plan { duration: Duration::from_secs(3_600), ..plan(&url).await };
    let drive = Arc::new(Drive::new(plan, SystemClock::shared()).unwrap());
    let running = drive.clone();
    let running = tokio::task::spawn_blocking(move || running.run(vec![Numbered::new(usize::MAX)]));
    while drive.so_far().unwrap().done == 0 {
        tokio::task::yield_now().await;
    }
    drive.stop();
    let ended = running.await.unwrap().unwrap();
    assert!(ended.counts.done > 0 && ended.elapsed < Duration::from_secs(3_600));
}

#[rstest::rstest]
#[case("ftp://example.com")]
#[case("example.com")]
#[case("http://user:word@example.com")]
#[case("http://example.com/?a=b")]
#[case("http://example.com/#a")]
#[tokio::test]
async fn a_url_that_cannot_be_talked_to_is_refused_without_being_repeated(#[case] url: &str) {
    let error = Endpoint::find(url).await.unwrap_err().to_string();
    assert!(error.starts_with("--url: ") && !error.contains("word"), "{error}");
}

#[tokio::test]
async fn a_url_is_taken_apart() {
    for (url, authority, path) in [
        ("http://127.0.0.1:8080/", "127.0.0.1:8080", ""),
        ("http://[::1]:80/a/b/", "[::1]", "/a/b"),
        ("https://127.0.0.1", "127.0.0.1", ""),
    ] {
        let found = Endpoint::find(url).await.unwrap();
        assert_eq!((found.authority(), found.path()), (authority, path), "{url}");
    }
}

#[test]
fn a_rate_is_a_positive_number() {
    let endpoint = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = endpoint.block_on(Endpoint::find("http://127.0.0.1")).unwrap();
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let plan = Plan { pace: Pace::Rate(rate), ..Plan::new(endpoint.clone()) };
        assert!(matches!(Drive::new(plan, SystemClock::shared()), Err(LoadError::Rate)), "{rate}");
    }
}
