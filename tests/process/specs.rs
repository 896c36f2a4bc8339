//! `tidegate spec …`: what it declares holds on a running server within a second.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    home::{Home, until},
    inlet::Inlet,
    serve::Serve,
};

const SECOND: Duration = Duration::from_secs(1);

/// The outcome of one contact or event, told apart by whether it has a type.
async fn outcome(inlet: &Inlet, item: Value) -> String {
    let kind = if item.get("_event_type").is_some() { "events" } else { "contacts" };
    let request = inlet.http.post(format!("{}/{kind}", inlet.url)).bearer_auth(&inlet.token);
    let answer: Value = request.json(&json!([item])).send().await.unwrap().json().await.unwrap();
    answer["entity"]["items"][0]["outcome"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn declarations_hold_on_a_running_server_within_a_second() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    let listed = home.run(["project", "list", "--json"]).await.json();
    let project = listed[0]["uid"].as_str().unwrap().to_owned();
    let run =
        async |rest: &[&str]| home.run(["spec"].iter().chain(rest).chain(&["--project", &project])).await;

    run(&["attribute", "add", "--uid", "shoe_size", "--type", "decimal"]).await.ok();
    let contact = || json!({ "_user_id": "ada", "shoe_size": "large" });
    until("an attribute", SECOND, async || outcome(&inlet, contact()).await == "invalid").await;
    run(&["attribute", "change", "--uid", "shoe_size", "--type", "string"]).await.ok();
    until("a changed type", SECOND, async || outcome(&inlet, contact()).await != "invalid").await;

    run(&["event", "add", "--uid", "trial_ended", "--name", "Trial ended", "--emoji", "⏳"]).await.ok();
    run(&[
        "parameter",
        "add",
        "--event",
        "trial_ended",
        "--parameter",
        "days",
        "--type",
        "int",
        "--required",
        "true",
    ])
    .await
    .ok();
    let event = |id: &str| json!({ "_user_id": "ada", "_event_id": id, "_event_type": "trial_ended" });
    until("a parameter", SECOND, async || outcome(&inlet, event("1")).await == "invalid").await;
    run(&["parameter", "remove", "--event", "trial_ended", "--parameter", "days"]).await.ok();
    until("a removed parameter", SECOND, async || outcome(&inlet, event("2")).await == "stored").await;

    assert_eq!(run(&["attribute", "list", "--json"]).await.json()[0]["dataType"], "string");
    assert_eq!(run(&["event", "list", "--json"]).await.json()[0]["emoji"], "⏳");
    assert_eq!(run(&["parameter", "list", "--json"]).await.json(), json!([]));
    assert!(run(&["attribute", "list"]).await.ok().contains("shoe_size"));
    serve.stop().await;
}

#[tokio::test]
async fn mistakes_are_named() {
    let home = Home::new();
    let made = home.run(["project", "create", "--json", "--name", "Shop"]).await.json();
    let project = made["uid"].as_str().unwrap().to_owned();
    let run =
        async |rest: &[&str]| home.run(["spec"].iter().chain(rest).chain(&["--project", &project])).await;
    run(&["attribute", "add", "--uid", "_own", "--type", "int"]).await.refused(&["uid", "underscore"]);
    run(&["attribute", "add", "--uid", "own", "--type", "integer"]).await.refused(&["integer", "decimal"]);
    run(&["attribute", "change", "--uid", "own"]).await.refused(&["nothing to change"]);
    run(&["attribute", "change", "--uid", "own", "--type", "int"]).await.refused(&["own"]);
    run(&["event", "add", "--uid", "purchase"]).await.refused(&["purchase", "taken"]);
    run(&["event", "remove", "--uid", "purchase"]).await.refused(&["purchase", "built in"]);
    run(&["parameter", "add", "--event", "nothing", "--parameter", "a", "--type", "int"])
        .await
        .refused(&["spec event add"]);
    let builtin = ["parameter", "add", "--event", "purchase", "--parameter", "a", "--type", "int"];
    let required = [&builtin[..], &["--required", "true"]].concat();
    run(&required).await.refused(&["required"]);
    run(&builtin).await.ok();
    run(&builtin).await.refused(&["taken"]);
    assert!(run(&["parameter", "list"]).await.ok().contains("purchase"));
    assert!(run(&["event", "list"]).await.ok().contains("spec event add"), "an empty list says how to go on");
    home.run(["spec", "event", "list", "--project", "proj_x"]).await.refused(&["proj_x", "project list"]);
}
