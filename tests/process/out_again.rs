//! The stream by HTTP, over a restore into another cluster, and with clients that take nothing of it.

use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    home::{Home, PATIENCE, until},
    inlet::{Inlet, event},
    pushers::Pushers,
    serve::Serve,
};

/// Somebody who reads the stream of a project.
struct Reader {
    url: String,
    key: String,
    http: Client,
}

impl Reader {
    /// One with a key of its own, which the server knows already.
    async fn of(home: &Home, inlet: &Inlet) -> Self {
        let (before, rest) = inlet.url.split_once("/project/").unwrap();
        let project = rest.split('/').next().unwrap();
        let made = [
            "key",
            "create",
            "--kind",
            "product",
            "--project",
            project,
            "--name",
            "reader",
            "--scopes",
            "PROJECT_STREAM_READ",
            "--json",
        ];
        let key = home.run(made).await.json()["key"].as_str().unwrap().to_owned();
        let reader = Self { url: format!("{before}/project/{project}/stream"), key, http: Client::new() };
        until("the key is known", PATIENCE, async || reader.get("").await.status() == 200).await;
        let more = [
            "project",
            "limit",
            "--project",
            project,
            "--class",
            "stream.read",
            "--per-minute",
            "1000000000",
        ];
        home.run(more).await.ok();
        until("the budget is wide", PATIENCE, async || {
            reader.get("").await.headers()["x-ratelimit-limit"] == "1000000000"
        })
        .await;
        reader
    }

    /// The same on another server.
    fn on(&self, serve: &Serve) -> Self {
        let path = self.url.split_once("/v1/").unwrap().1;
        Self { url: format!("{}/v1/{path}", serve.base), key: self.key.clone(), http: Client::new() }
    }

    async fn get(&self, query: &str) -> Response {
        self.http.get(format!("{}{query}", self.url)).bearer_auth(&self.key).send().await.unwrap()
    }

    /// Everything behind a cursor, page by page.
    async fn read(&self, after: &str, limit: usize) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), after.to_owned());
        loop {
            let place = if after.is_empty() { String::new() } else { format!("&after={after}") };
            let answer = self.get(&format!("?limit={limit}{place}")).await;
            assert_eq!(answer.status(), 200);
            let page: Value = answer.json().await.unwrap();
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            if page["caughtUp"] == true {
                return items;
            }
            page["next"].as_str().unwrap().clone_into(&mut after);
        }
    }

    /// Everything, once so many items are settled.
    async fn settled(&self, count: usize) -> Vec<Value> {
        until("everything is settled", PATIENCE, async || self.read("", 1_000).await.len() >= count).await;
        self.read("", 1_000).await
    }
}

/// Items without what a restore may change: their cursors.
fn without_cursors(items: &[Value]) -> Vec<Value> {
    let mut items = items.to_vec();
    for item in &mut items {
        item.as_object_mut().unwrap().remove("cursor").unwrap();
    }
    items
}

#[tokio::test]
async fn the_stream_survives_a_restore_into_another_cluster() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    let reader = Reader::of(&home, &inlet).await;
    // Far ahead of a fresh cluster: there, all of it would lie above the horizon.
    let ahead = "do $$ begin for at in 1..3000 loop perform pg_current_xact_id(); commit; end loop; end $$";
    home.client().await.batch_execute(ahead).await.unwrap();
    let pushers = Pushers::start(&inlet, 4, "e");
    pushers.acknowledged(600).await;
    let pushed = pushers.stop().await.acknowledged.len();
    let all = reader.settled(pushed).await;
    assert_eq!(all.len(), pushed);
    let end: Value = reader.get("?limit=1000&from=2100-01-01").await.json().await.unwrap();
    home.run(["backup", "all.dump"]).await.ok();
    serve.stop().await;

    let fresh = Home::new();
    let file = home.folder().join("all.dump").display().to_string();
    fresh.run(["restore", file.as_str()]).await.ok();
    let serve = Serve::start(&fresh).await;
    let (inlet, reader) = (inlet.on(&serve), reader.on(&serve));
    let back = reader.read("", 1_000).await;
    assert!(without_cursors(&back) == without_cursors(&all), "the same in the same order, at once");
    for at in 0..50 {
        let answer = inlet.push(&json!([event(&format!("new-{at}"))])).await.unwrap();
        assert_eq!(answer.status(), 202);
    }
    let now = reader.settled(pushed + 50).await;
    assert!(now[..pushed] == back);
    let new: Vec<String> =
        now[pushed..].iter().map(|item| item["_event_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(new, (0..50).map(|at| format!("new-{at}")).collect::<Vec<_>>(), "behind all that there was");

    let places = all.iter().enumerate().step_by(23).map(|(at, item)| (at + 1, &item["cursor"]));
    for (at, old) in places.chain([(pushed, &end["next"])]) {
        let old = old.as_str().unwrap();
        for path in ["", "/live"] {
            let refused = reader.get(&format!("{path}?after={old}")).await;
            assert_eq!(refused.status(), 410);
            let problem: Value = refused.json().await.unwrap();
            assert_eq!(problem["code"], "cursor_expired");
            let rest = reader.read(problem["restart"].as_str().unwrap(), 100).await;
            assert!(rest == now[at..], "from the restart of item {at} on: {} items", rest.len());
        }
    }
    serve.stop().await;
}

/// Bytes of memory that a process holds.
#[cfg(target_os = "linux")]
fn resident(serve: &Serve) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serve.pid().as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1_024
}

/// A client that asks to follow and reads only when it is told to.
#[cfg(target_os = "linux")]
async fn follow(reader: &Reader, after: &str) -> TcpStream {
    let (host, path) = reader.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET /{path}/live?after={after} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n",
        reader.key
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The ids of the items that a client that follows is sent, up to a number of them or its end.
#[cfg(target_os = "linux")]
async fn heard(stream: &mut TcpStream, count: usize) -> Vec<String> {
    let (mut ids, mut bytes, mut read) = (Vec::new(), Vec::new(), 0);
    while ids.len() < count {
        let more = timeout(PATIENCE, stream.read_buf(&mut bytes)).await.expect("something comes").unwrap();
        if more == 0 {
            break;
        }
        while let Some(end) = bytes[read..].iter().position(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(&bytes[read..read + end]).unwrap();
            if let Some(data) = line.strip_prefix("data: ") {
                let item: Value = serde_json::from_str(data).unwrap();
                ids.push(item["_event_id"].as_str().unwrap().to_owned());
            }
            read += end + 1;
        }
    }
    ids
}

/// Forty who take nothing, 32 MiB that each of them is to be sent, and one who takes everything meanwhile. Were it kept for them, it
/// would be more than a gigabyte.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn clients_that_take_nothing_cost_little_and_disturb_nobody() {
    const SLOW: usize = 40;
    const BATCHES: usize = 40;
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    let reader = Reader::of(&home, &inlet).await;
    let start: Value = reader.get("").await.json().await.unwrap();
    let start = start["next"].as_str().unwrap();
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        slow.push(follow(&reader, start).await);
    }
    let mut quick = follow(&reader, start).await;
    let text = "x".repeat(16_000);
    let batch = |at: usize| -> Value {
        (0..50)
            .map(|item| {
                json!({ "_user_id": "ada", "_event_id": format!("{at}-{item}"), "_event_type": "own",
                        "_event_parameters": { "text": text } })
            })
            .collect()
    };
    // What pushing and reading need at their most comes first, so that the rest is the slow ones' alone.
    let mut before = 0;
    let pushing = async {
        for at in 0..BATCHES {
            let answer = inlet.push(&batch(at)).await.unwrap();
            assert_eq!(answer.status(), 202);
            if at == BATCHES / 4 {
                before = resident(&serve);
            }
        }
    };
    let (heard_by_quick, ()) = tokio::join!(heard(&mut quick, BATCHES * 50), pushing);
    let wanted: Vec<String> = (0..BATCHES * 50).map(|at| format!("{}-{}", at / 50, at % 50)).collect();
    assert!(heard_by_quick == wanted, "it is told everything meanwhile");
    let grown = resident(&serve).saturating_sub(before);
    println!("{} MiB before, {} MiB more", before >> 20, grown >> 20);
    assert!(grown < 100 << 20, "{} MiB more for {SLOW} that take nothing", grown >> 20);

    // One that takes things up again has missed nothing; should it have been cut off by now, up to there.
    let mut one = slow.pop().unwrap();
    let heard = heard(&mut one, BATCHES * 50).await;
    assert!(!heard.is_empty() && wanted.starts_with(&heard), "{} of {}", heard.len(), wanted.len());
    drop(slow);
    let gone = "tidegate_stream_followers";
    until("the others are gone", Duration::from_secs(60), async || {
        let metrics = reader.http.get(&serve.metrics).send().await.unwrap().text().await.unwrap();
        let line = metrics.lines().find_map(|line| line.strip_prefix(gone)).unwrap().trim().to_owned();
        line.parse::<f64>().unwrap() <= 2.0
    })
    .await;
    drop((one, quick));
    serve.stop().await;
}
