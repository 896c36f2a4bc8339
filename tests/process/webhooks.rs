//! Webhooks through `kill -9`, by the command line: every message comes, and in order.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    home::{Home, PATIENCE, until},
    inlet::{Inlet, event},
    receiver::{Answer, Hit, Receiver},
    serve::Serve,
};

const OPTIONS: [&str; 4] = [
    "--webhook-allow",
    "127.0.0.0/8",
    "--webhook-retries",
    "100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms",
];

/// The ids of events in the order in which they were first taken.
fn first_taken(hits: &[Hit]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let ids = hits
        .iter()
        .filter(|hit| hit.taken)
        .map(|hit| hit.json()["data"]["_event_id"].as_str().unwrap().to_owned());
    ids.filter(|id| seen.insert(id.clone())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_no_delivery() {
    let home = Home::new();
    let mut serve = Serve::with(&home, &OPTIONS).await;
    let demo = Inlet::wide(&home, &serve).await;
    let project = demo.url.split('/').rev().nth(3).unwrap().to_owned();
    let receiver =
        Receiver::answering(|number, _| Answer::Status(if number % 10 < 3 { 503 } else { 200 })).await;
    let url = receiver.url();
    let arguments =
        ["webhook", "create", "--project", &project, "--url", &url, "--json", "--types", "purchase"];
    let refused = home.run(arguments).await;
    refused.refused(&["--url", "--webhook-allow"]);
    let made: Value = home.run(arguments.iter().chain(&["--webhook-allow", "127.0.0.0/8"])).await.json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let mut pushed = Vec::new();
    for round in 0..3 {
        let inlet = demo.on(&serve);
        for number in 0..20 {
            let name = format!("r{round}-{number:02}");
            assert_eq!(inlet.push(&json!([event(&name)])).await.unwrap().status(), 202);
            pushed.push(name);
        }
        let some = pushed.len() - 12;
        receiver.until("some", |hits| first_taken(hits).len() >= some).await;
        serve.signal(Signal::KILL);
        serve.ended().await;
        serve = Serve::with(&home, &OPTIONS).await;
    }
    let hits = receiver.until("all", |hits| first_taken(hits).len() >= pushed.len()).await;
    assert_eq!(first_taken(&hits), pushed);
    assert!(hits.iter().all(|hit| hit.signed_with(secret) == 1));
    let shown = async || home.run(["webhook", "show", id, "--json"]).await.json();
    until("nothing waits", PATIENCE, async || {
        let webhook = shown().await;
        webhook["pending"] == 0 && webhook["deadLetters"] == 0 && webhook["state"] == "active"
    })
    .await;

    // The rest of the command line.
    home.run(["webhook", "test", id, "--webhook-allow", "127.0.0.0/8"]).await.ok();
    assert_eq!(receiver.hits().last().unwrap().json()["type"], "webhook.test");
    let rotated = home.run(["webhook", "rotate", id, "--json"]).await.json();
    assert_ne!(rotated["secret"].as_str().unwrap(), secret);
    let before = receiver.hits().len();
    home.run(["webhook", "replay", id, "--message", &hits[0].id]).await.ok();
    receiver
        .until("it again", |hits| hits[before..].iter().any(|hit| hit.id == hits[0].id && hit.taken))
        .await;
    home.run(["webhook", "change", id, "--enabled", "false", "--parallel", "4"]).await.ok();
    assert_eq!(shown().await["state"], "disabled");
    home.run(["webhook", "change", id, "--types", "refund"]).await.ok();
    let other = home.run(["webhook", "replay", id, "--message", &hits[0].id]).await;
    other.refused(&["does not ask for such items"]);
    assert!(home.run(["webhook", "list"]).await.ok().contains("disabled"));
    assert!(home.run(["webhook", "deliveries", id]).await.ok().contains("webhook.test"));
    assert!(home.run(["webhook", "dead-letters", id]).await.ok().contains("No message"));
    home.run(["webhook", "delete", id, "--yes"]).await.ok();
    home.run(["webhook", "show", id]).await.refused(&["no webhook has the id"]);
    assert!(!serve.logged().contains("hidden"), "the query of a URL is in no log");
    serve.stop().await;
}
