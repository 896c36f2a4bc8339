//! Messages of webhooks, verified by the scripts in `docs/webhooks/` and by the standard's own library.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tidegate::{auth::scope::Scope, config::Stations, domain::clock::SystemClock, stream::webhooks::Options};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{
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
