//! What a command changes is in force on a running server within a second of the command's end.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::{
    home::{Home, until},
    inlet::{Inlet, event},
    serve::Serve,
};

const SECOND: Duration = Duration::from_secs(1);

async fn make_key(home: &Home, inlet: &Inlet) -> (String, Inlet) {
    let arguments = ["key", "create", "--kind", "datasource", "--name", "x", "--json", "--datasource"];
    let made: Value = home.run(arguments.iter().chain(&[inlet.datasource.as_str()])).await.json();
    (made["id"].as_str().unwrap().to_owned(), inlet.with_token(made["key"].as_str().unwrap()))
}

#[tokio::test]
async fn a_revoked_key_under_load_has_no_2xx_after_a_second() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    for how in ["revoke", "delete"] {
        let (id, key) = make_key(&home, &inlet).await;
        until("the new key", SECOND, async || key.probe().await == 200).await;
        let answers: Arc<Mutex<Vec<(Instant, u16)>>> = Arc::default();
        let client = tokio::spawn(hundred_a_second(key, answers.clone()));
        let count = |status| answers.lock().unwrap().iter().filter(|(_, found)| *found == status).count();
        until("the client is at work", SECOND * 10, async || count(202) > 50).await;
        home.run(["key", how, &id]).await.ok();
        let ended = Instant::now();
        sleep_until(ended + SECOND * 3 / 2).await;
        client.abort();
        let answers = answers.lock().unwrap();
        let (late, after): (Vec<u16>, usize) = {
            let after = answers.iter().filter(|(at, _)| *at > ended + SECOND);
            let late = after.clone().filter(|(_, status)| *status != 401).map(|(_, status)| *status);
            (late.collect(), after.count())
        };
        assert!(late.is_empty(), "{how}: {late:?} a second after the command");
        assert!(after > 20, "the client fell silent: {after} answers in half a second");
    }
    serve.stop().await;
}

/// A client that keeps its pace whatever the answers are.
async fn hundred_a_second(key: Inlet, answers: Arc<Mutex<Vec<(Instant, u16)>>>) {
    let mut pace = interval(Duration::from_millis(10));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let tag = crate::folder::random_hex();
    for n in 0.. {
        pace.tick().await;
        let status = key.push(&json!([event(&format!("{tag}-{n}"))])).await.unwrap().status().as_u16();
        answers.lock().unwrap().push((Instant::now(), status));
    }
}

#[tokio::test]
async fn new_projects_datasources_keys_and_limits_are_in_force_within_a_second() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let demo = Inlet::demo(&serve);
    let (_, key) = make_key(&home, &demo).await;
    until("a new key", SECOND, async || key.probe().await == 200).await;

    let project = home.run(["project", "create", "--name", "New", "--json"]).await.json();
    let project = project["uid"].as_str().unwrap().to_owned();
    let create = ["datasource", "create", "--name", "New", "--json", "--plan", "S", "--project", &project];
    let made = home.run(create).await.json();
    let (datasource, token) = (made["uid"].as_str().unwrap(), made["token"].as_str().unwrap());
    let url = format!("{}/v1/project/{project}/datasource/{datasource}/stream", serve.base);
    let inlet =
        Inlet { url, datasource: datasource.into(), token: token.into(), http: reqwest::Client::new() };
    until("a new datasource", SECOND, async || inlet.probe().await == 200).await;

    let budget = async || {
        let answer = inlet.push(&json!([event("one")])).await.unwrap();
        answer.headers()["x-ratelimit-limit"].to_str().unwrap().to_owned()
    };
    assert_eq!(budget().await, "600", "plan S");
    let limit =
        ["datasource", "limit", "--class", "events.write", "--datasource", datasource, "--per-minute"];
    for number in ["1000", "5", "1000000000"] {
        home.run(limit.iter().chain(&[number])).await.ok();
        until("a new limit", SECOND, async || budget().await == number).await;
    }
    home.run(limit.iter().chain(&["1"])).await.ok();
    until("the spent budget answers 429", SECOND, async || {
        inlet.push(&json!([event("two")])).await.unwrap().status().as_u16() == 429
    })
    .await;
    serve.stop().await;
}
