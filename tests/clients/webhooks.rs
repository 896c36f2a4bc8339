//! Messages of webhooks, verified by the scripts in `docs/webhooks/` and by the standard's own library.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tidegate::{auth::scope::Scope, config::Stations, domain::clock::SystemClock, stream::webhooks::Options};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::support::{
    folder::Folder,
    house::{Reply, TestHouse, stations},
    postgres::TestDatabase,
    receiver::{Answer, Hit, Receiver},
};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

async fn done(command: &mut Command) {
    let ran = command.output().await.unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A Python that has the standard's library, which is installed apart, once.
async fn python() -> PathBuf {
    let folder = repository().join("target/standardwebhooks");
    let python = folder.join("bin/python");
    let has = Command::new(&python).args(["-c", "import standardwebhooks"]).output().await;
    if !has.is_ok_and(|ran| ran.status.success()) {
        done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).await;
        let requirements = repository().join("tests/clients/requirements.txt");
        done(Command::new(&python).args(["-m", "pip", "install", "-q", "-r"]).arg(requirements)).await;
    }
    python
}

/// What a verifier says of a message.
async fn says(command: &mut Command, secret: &str, hit: &Hit) -> String {
    command.env("WEBHOOK_SECRET", secret).env("WEBHOOK_ID", &hit.id);
    command.env("WEBHOOK_TIMESTAMP", &hit.timestamp).env("WEBHOOK_SIGNATURE", &hit.signature);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut body = child.stdin.take().unwrap();
    body.write_all(hit.body.as_bytes()).await.unwrap();
    drop(body);
    let ran = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(ran.stdout).unwrap().trim().to_owned();
    assert_eq!(ran.status.success(), said == "good", "{said}");
    said
}

/// A house that sends again soon a few times, and then every three seconds for a good minute.
async fn house(database: &TestDatabase) -> TestHouse {
    let webhooks = Options {
        allowed: "127.0.0.0/8".parse().unwrap(),
        schedule: [vec!["250ms"; 6], vec!["3s"; 26]].concat().join(",").parse().unwrap(),
        tick: Duration::from_millis(50),
        ..Options::default()
    };
    let store = tidegate::store::Database::new(database.config.clone());
    TestHouse::with(store, Stations { webhooks, ..stations() }, SystemClock::shared()).await
}

/// A program that receives, ended with this value; and its port.
async fn receive(python: &Path, port: u16, secret: &str, file: &Path) -> (Child, u16) {
    let mut receiver = Command::new(python)
        .arg(repository().join("tests/clients/webhook_receiver.py"))
        .arg(port.to_string())
        .arg(file)
        .env("WEBHOOK_SECRET", secret)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(receiver.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    (receiver, line.trim().parse().unwrap())
}

/// What a receiver wrote down, a word and an id for each message.
fn written(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(said, id)| (said.into(), id.into()))
        .collect()
}

/// The ids that were taken, each where it was first.
async fn taken(file: &Path, wanted: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let mut seen = BTreeSet::new();
        let lines = written(file).into_iter().filter(|(said, _)| said == "taken").map(|(_, id)| id);
        let first: Vec<String> = lines.filter(|id| seen.insert(id.clone())).collect();
        if first.len() >= wanted {
            return first;
        }
        assert!(Instant::now() < deadline, "{} of {wanted}", first.len());
        sleep(Duration::from_millis(20)).await;
    }
}

/// With a library of others: it fails three times of ten, is down for a minute, and comes back as another process.
#[tokio::test]
async fn a_receiver_that_fails_and_is_down_for_a_minute_gets_everything_in_order() {
    const DOWN: Duration = Duration::from_secs(60);
    let database = TestDatabase::create().await;
    let house = house(&database).await;
    let inlet = house.inlet().await;
    let (_, key) = house.product_token(Some(&inlet.project), Scope::ALL).await;
    let path = format!("/v1/project/{}/webhooks", inlet.project);
    let python = python().await;
    let folder = Folder::below(&std::env::temp_dir());
    let file = folder.path().join("written");
    // Its port is known before its secret: what comes first is a receiver of another secret, which gets nothing.
    let other = format!("whsec_{}", "A".repeat(43) + "=");
    let (first, port) = receive(&python, 0, &other, &file).await;
    drop(first);
    let url = format!("http://127.0.0.1:{port}/hook");
    let made = house.post(&key, &path, &json!({ "url": url, "types": ["purchase"] })).await.json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let (receiver, _) = receive(&python, port, secret, &file).await;
    let push = async |ids: std::ops::Range<usize>| {
        for id in ids {
            let event = json!([{ "_user_id": "u", "_event_id": id.to_string(), "_event_type": "purchase" }]);
            assert_eq!(house.post(&inlet.token, &inlet.path("/stream/events"), &event).await.status, 202);
        }
    };
    push(0..40).await;
    taken(&file, 10).await;
    drop(receiver);
    let down = Instant::now();
    push(40..80).await;
    // Long enough, and not before a delivery has failed for want of anybody.
    loop {
        let deliveries = house.get(&key, &format!("{path}/{id}/deliveries")).await.json();
        let latest = &deliveries["entities"][0];
        if down.elapsed() >= DOWN && latest["status"].is_null() && latest["error"].is_string() {
            break;
        }
        assert!(down.elapsed() < DOWN * 2, "{latest}");
        sleep(Duration::from_millis(500)).await;
    }
    let (_receiver, _) = receive(&python, port, secret, &file).await;
    let all = taken(&file, 80).await;
    assert_eq!(all, (0..80).map(|id| id.to_string()).collect::<Vec<_>>());
    let written = written(&file);
    let count = |word: &str| written.iter().filter(|(said, _)| said == word).count();
    assert!(count("failed") >= 10 && count("bad") == 0, "{written:?}");
    house.stop().await;
}

#[tokio::test]
async fn every_message_verifies_with_a_library_of_others_and_with_our_scripts() {
    let database = TestDatabase::create().await;
    let webhooks = Options {
        allowed: "127.0.0.0/8".parse().unwrap(),
        schedule: vec!["50ms"; 20].join(",").parse().unwrap(),
        tick: Duration::from_millis(50),
        ..Options::default()
    };
    let store = tidegate::store::Database::new(database.config.clone());
    let house = TestHouse::with(store, Stations { webhooks, ..stations() }, SystemClock::shared()).await;
    let inlet = house.inlet().await;
    let (_, key) = house.product_token(Some(&inlet.project), Scope::ALL).await;
    // It fails three times of ten.
    let flaky = |number: usize, _: &Hit| Answer::Status(if number % 10 < 3 { 500 } else { 200 });
    let receiver = Receiver::answering(flaky).await;
    let path = format!("/v1/project/{}/webhooks", inlet.project);
    let made = house.post(&key, &path, &json!({ "url": receiver.url() })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let text = |reply: &Reply, member: &str| reply.json()[member].as_str().unwrap().to_owned();
    let (id, old) = (text(&made, "id"), text(&made, "secret"));
    for number in 0..4 {
        if number == 2 {
            let rotated = house.post(&key, &format!("{path}/{id}/secret/rotate"), &Value::Null).await;
            assert_eq!(rotated.status, 200, "{}", rotated.text);
        }
        let event = json!([{"_user_id": "ü", "_event_id": number.to_string(), "_event_type": "purchase",
                            "_event_parameters": {"title": "„Straße“ \u{1f600}"}}]);
        assert_eq!(house.post(&inlet.token, &inlet.path("/stream/events"), &event).await.status, 202);
        let taken = number + 1;
        receiver.until("it", |hits| hits.iter().filter(|hit| hit.taken).count() >= taken).await;
    }
    let hits = receiver.hits();
    assert!(hits.len() > 4, "some were sent again");
    let python = python().await;
    let library = repository().join("tests/clients/standard_webhooks.py");
    let scripts =
        ["verify.py", "verify.mjs", "verify.sh"].map(|name| repository().join("docs/webhooks").join(name));
    for hit in &hits {
        assert_eq!(says(Command::new(&python).arg(&library), &old, hit).await, "good", "{hit:?}");
    }
    let last = hits.last().unwrap();
    for script in &scripts {
        assert_eq!(says(&mut Command::new(script), &old, last).await, "good", "{script:?}");
        let changed = Hit { body: format!("{} ", last.body), ..last.clone() };
        assert_eq!(says(&mut Command::new(script), &old, &changed).await, "bad", "{script:?}");
        let stale = Hit { timestamp: "1614265330".into(), ..last.clone() };
        assert_eq!(says(&mut Command::new(script), &old, &stale).await, "bad", "{script:?}");
    }
    house.stop().await;
}
