//! `tidegate load` against a running server: what it reports, what its audit notices, and what it says when it cannot.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
};

use crate::{
    home::{Home, PATIENCE, Ran, until},
    inlet::{Inlet, event},
    serve::Serve,
};

/// A server with an inlet whose budgets no test spends.
async fn site() -> (Home, Serve, Inlet) {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    (home, serve, inlet)
}

/// The command on an address, with the key where others cannot see it.
fn load(home: &Home, base: &str, inlet: &Inlet, more: &str) -> Command {
    let project = inlet.url.split('/').find(|part| part.starts_with("proj_")).unwrap();
    let mut command = home.command(["load", "--url", base, "--project", project, "--connections", "8"]);
    command.args(more.split_whitespace()).env("TIDEGATE_KEY", &inlet.token);
    command
}

async fn report(home: &Home, base: &str, inlet: &Inlet, more: &str) -> Value {
    Ran::of(load(home, base, inlet, &format!("{more} --json"))).await.json()
}

#[tokio::test]
async fn a_clean_run_is_exact_whatever_is_in_the_mix_and_was_there_before() {
    let (home, serve, inlet) = site().await;
    inlet.push(&json!([event("old-1"), event("old-2")])).await.unwrap();
    let mix = "--duration 1s --batch 20 --duplicates 10% --invalid 10% --gzip --verify";
    let found = report(&home, &serve.base, &inlet, mix).await;
    let outcome = |name: &str| found["outcomes"][name].as_i64().unwrap();
    assert_eq!(found["verify"]["verdict"], "exact", "{found}");
    assert!(outcome("stored") > 0 && outcome("duplicate") > 0 && outcome("invalid") > 0, "{found}");
    assert_eq!(found["verify"]["count"], outcome("stored"));
    assert_eq!(home.number("select count(*) from event").await, 2 + outcome("stored"));
    assert_eq!(found["requests"]["done"], found["statuses"]["202"]);
    assert_eq!(
        found["items"]["sent"].as_i64().unwrap(),
        outcome("stored") + outcome("duplicate") + outcome("invalid")
    );

    let on_schedule = report(&home, &serve.base, &inlet, "--duration 1s --rate 50 --verify").await;
    let requests = &on_schedule["requests"];
    assert_eq!(requests["done"].as_i64().unwrap() + requests["unsent"].as_i64().unwrap(), 50);
    assert_eq!(on_schedule["verify"]["verdict"], "exact", "{on_schedule}");
    serve.stop().await;
}

#[tokio::test]
async fn contacts_are_new_unchanged_or_updated() {
    let (home, serve, inlet) = site().await;
    for (mode, outcome) in
        [("new --duplicates 20%", "created"), ("unchanged", "unchanged"), ("updated", "updated")]
    {
        let more = format!(
            "--kind contacts --contacts-mode {mode} --contacts 160 --batch 20 --duration 500ms --verify"
        );
        let found = report(&home, &serve.base, &inlet, &more).await;
        assert_eq!(found["verify"]["verdict"], "exact", "{found}");
        let count = found["outcomes"][outcome].as_i64().unwrap();
        assert!(count > 0, "{found}");
        let changes = if outcome == "unchanged" { 0 } else { count };
        assert_eq!(found["verify"]["count"], changes, "{found}");
    }
    serve.stop().await;
}

/// Runs a load that is tampered with once it has stored something; it must fail.
async fn tampered(tamper: impl AsyncFnOnce(&Home, &Inlet)) {
    let (home, serve, inlet) = site().await;
    let running =
        tokio::spawn(Ran::of(load(&home, &serve.base, &inlet, "--duration 3s --rate 200 --verify --json")));
    until("something is stored", PATIENCE, async || home.number("select count(*) from lot").await > 3).await;
    tamper(&home, &inlet).await;
    let ran = running.await.unwrap();
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["verify"]["verdict"], "differs", "{found}");
    let told = ran.refused(&["verification failed", "expected"]);
    assert!(told.contains("(sum "), "{told}");
    serve.stop().await;
}

#[tokio::test]
async fn a_lot_that_is_lost_is_noticed() {
    tampered(async |home, _| {
        let lose = "delete from lot where ctid = (select ctid from lot order by received_at limit 1)";
        assert_eq!(home.client().await.execute(lose, &[]).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_event_of_somebody_else_is_noticed() {
    tampered(async |_, inlet| {
        assert_eq!(inlet.push(&json!([event("foreign")])).await.unwrap().status(), 202);
    })
    .await;
}

#[tokio::test]
async fn a_contact_of_somebody_else_is_noticed() {
    tampered(async |_, inlet| {
        let url = format!("{}/contacts", inlet.url);
        let contact = json!([{ "_user_id": "foreign" }]);
        let answer = inlet.http.post(url).bearer_auth(&inlet.token).json(&contact).send().await.unwrap();
        assert_eq!(answer.status(), 202);
    })
    .await;
}

/// A proxy that hands every request on, but loses the answers to those pushes that `loses` says, by their number, with the
/// connection. The address, and how many it lost.
async fn losing(base: &str, loses: fn(usize) -> bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = base.trim_start_matches("http://").to_owned();
    let (lost, pushes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = lost.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, lost, pushes) = (server.clone(), lost.clone(), pushes.clone());
            tokio::spawn(async move {
                let server = TcpStream::connect(server).await.unwrap();
                hand_on(client, server, &lost, &pushes, loses).await
            });
        }
    });
    (address, count)
}

/// One request at a time, each of them and each answer small enough for one read.
async fn hand_on(
    mut client: TcpStream,
    mut server: TcpStream,
    lost: &AtomicUsize,
    pushes: &AtomicUsize,
    loses: fn(usize) -> bool,
) -> Option<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = client.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        let head = String::from_utf8_lossy(&buffer[..length.min(300)]).into_owned();
        server.write_all(&buffer[..length]).await.ok()?;
        let length = server.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        let is_push = head.starts_with("POST") && !head.contains("_dryRun");
        if is_push && loses(pushes.fetch_add(1, Ordering::Relaxed)) {
            lost.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        client.write_all(&buffer[..length]).await.ok()?;
    }
}

#[tokio::test]
async fn answers_that_were_lost_are_settled_and_the_audit_is_still_exact() {
    let (home, serve, inlet) = site().await;
    let (proxy, lost) = losing(&serve.base, |push| push % 5 == 2).await;
    for kind in ["events --duplicates 10%", "contacts"] {
        let before = lost.load(Ordering::Relaxed);
        let more = format!("--kind {kind} --duration 1s --batch 3 --verify");
        let found = report(&home, &proxy, &inlet, &more).await;
        assert!(lost.load(Ordering::Relaxed) > before, "nothing was lost");
        assert!(found["broken"].as_i64().unwrap() > 0, "{found}");
        assert_eq!(found["verify"]["verdict"], "exact", "{found}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_is_never_answered_makes_the_audit_say_that_it_cannot_tell() {
    let (home, serve, inlet) = site().await;
    let (proxy, _) = losing(&serve.base, |push| push > 40).await;
    let ran = Ran::of(load(&home, &proxy, &inlet, "--duration 1s --timeout 1s --verify --json")).await;
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["verify"]["verdict"], "unknown", "{found}");
    ran.refused(&["verification cannot tell", "never became known"]);
    serve.stop().await;
}

#[tokio::test]
async fn a_budget_is_waited_for_and_the_line_to_raise_it_is_told() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::demo(&serve);
    let limit = ["datasource", "limit", "--class", "events.write", "--per-minute", "60", "--datasource"];
    home.run(limit.iter().chain(&[inlet.datasource.as_str()])).await.ok();
    until("the budget is small", PATIENCE, async || {
        let answer = inlet.push(&json!([event("small")])).await.unwrap();
        answer.headers()["x-ratelimit-limit"] == "60"
    })
    .await;
    let ran = Ran::of(load(&home, &serve.base, &inlet, "--duration 2s --verify")).await;
    let line = format!("datasource limit --datasource {} --class events.write", inlet.datasource);
    assert!(ran.err.contains(&line), "{}", ran.err);
    let out = ran.ok();
    assert!(out.contains("stored exactly once") && out.contains("429 "), "{out}");
    let ran =
        Ran::of(load(&home, &serve.base, &inlet, "--duration 1s --rate 100 --ignore-retry-after --json"))
            .await;
    let found = ran.json();
    assert_eq!(
        (&found["requests"]["retries"], &found["requests"]["failed"]),
        (&json!(0), &found["statuses"]["429"])
    );
    serve.stop().await;
}

#[tokio::test]
async fn an_interrupt_ends_it_early_with_its_report() {
    let (home, serve, inlet) = site().await;
    let mut command = load(&home, &serve.base, &inlet, "--duration 1h --rate 50 --verify");
    let child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    until("something is stored", PATIENCE, async || home.number("select count(*) from lot").await > 3).await;
    kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::INT).unwrap();
    let output = child.wait_with_output().await.unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.contains("stored exactly once"), "{out}");
    serve.stop().await;
}

#[tokio::test]
async fn who_cannot_load_is_told_what_to_check() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::demo(&serve);
    let said = async |base: &str, inlet: &Inlet, more: &str, words: &[&str]| {
        let told = Ran::of(load(&home, base, inlet, more)).await.refused(words);
        assert!(!told.contains(&inlet.token), "{told}");
    };
    said(&serve.base, &inlet.with_token("tgd_wrong"), "", &["check --key", "401"]).await;
    said(
        &serve.base,
        &inlet,
        "--datasource ds_0000000000000000000000",
        &["check --project and --datasource"],
    )
    .await;
    said("http://127.0.0.1:1", &inlet, "", &["no connection to 127.0.0.1:1", "is the server running"]).await;
    said("localhost:8080", &inlet, "", &["--url: it must begin with http://"]).await;
    said(&serve.metrics, &inlet, "", &["404"]).await;
    said(&serve.base, &inlet, "--invalid 200%", &["from 0% to 100%"]).await;
    let writes =
        ["key", "create", "--kind", "product", "--name", "w", "--json", "--scopes", "PROJECT_INGEST_WRITE"];
    let made = home.run(writes).await.json();
    let writer = inlet.with_token(made["key"].as_str().unwrap());
    until("the key is known", PATIENCE, async || {
        writer.push(&json!([event("k")])).await.unwrap().status() == 202
    })
    .await;
    said(&serve.base, &writer, "--duration 100ms --verify", &["PROJECT_INGEST_READ", "403"]).await;
    serve.stop().await;
}
