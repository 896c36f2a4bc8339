//! A flood of random well-formed keys costs no query and no memory.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use tidegate::{
    auth::text::{KeyText, Kind},
    domain::clock::SystemEntropy,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::{
    home::{Home, PATIENCE, until},
    serve::Serve,
};

/// Requests on their way on one connection at a time.
const PIPELINE: usize = 50;

/// The database writes every statement into its log, with the name of the connection.
async fn log_statements(home: &Home) {
    let client = home.client().await;
    let settings = ["log_statement = 'all'", "log_line_prefix = '%a|'"];
    for setting in settings {
        client.batch_execute(&format!("alter system set {setting}")).await.unwrap();
    }
    client.batch_execute("select pg_reload_conf()").await.unwrap();
}

/// Statements so far, by the name of the connection.
fn statements(log: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let Some((name, rest)) = line.split_once('|') else { continue };
        if rest.starts_with("LOG:  statement:") || rest.starts_with("LOG:  execute ") {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Resident memory of a process, in KiB.
fn memory(pid: rustix::process::Pid) -> u64 {
    let text = match fs::read_to_string(format!("/proc/{pid}/status")) {
        Ok(status) => status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().to_owned(),
        Err(_) => {
            let ps = std::process::Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output();
            String::from_utf8(ps.unwrap().stdout).unwrap()
        }
    };
    text.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Sends requests with fresh keys over one connection; all of them have to be answered 401.
async fn flood(serve: &Serve, requests: usize) {
    let mut stream = TcpStream::connect(serve.base.strip_prefix("http://").unwrap()).await.unwrap();
    for _ in 0..requests / PIPELINE {
        let mut sent = String::new();
        for at in 0..PIPELINE {
            let kind = if at % 2 == 0 { Kind::Datasource } else { Kind::Product };
            let key = KeyText::mint(kind, &SystemEntropy).unwrap();
            let key = key.reveal();
            sent.push_str(&format!(
                "GET /v1/project/proj_x/datasource/dsapi/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
            ));
        }
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answers = String::new();
        let mut buffer = vec![0; 64 << 10];
        // Each answer ends with its document.
        while answers.matches("\"request_id\"").count() < PIPELINE || !answers.ends_with('}') {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the connection was closed: {answers}");
            answers.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        assert_eq!(answers.matches("HTTP/1.1 401 ").count(), PIPELINE, "{answers}");
    }
}

#[tokio::test]
async fn random_keys_cost_no_query_and_no_memory() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    flood(&serve, 2_000).await;
    log_statements(&home).await;
    let log = home.data_dir().join("pg.log");
    let polls = || statements(&log).get("tidegate-meta").copied().unwrap_or(0);

    // What the server asks of itself, at rest: two seconds of it, and the statements of at least two polls.
    until("the server polls", PATIENCE, async || polls() > 0).await;
    let (began, first, idle) = (Instant::now(), polls(), statements(&log));
    until("two seconds of rest", PATIENCE, async || {
        began.elapsed() > Duration::from_secs(2) && polls() > first + 1
    })
    .await;
    let rested = began.elapsed().as_secs_f64();
    let more = |after: &BTreeMap<String, usize>, before: &BTreeMap<String, usize>, name: &str| {
        let of = |counts: &BTreeMap<String, usize>| counts.get(name).copied().unwrap_or(0);
        (of(after) - of(before)) as f64
    };
    let at_rest = statements(&log);

    let (before, memory_before, began) = (statements(&log), memory(serve.pid()), Instant::now());
    flood(&serve, 20_000).await;
    let (after, memory_after, took) = (statements(&log), memory(serve.pid()), began.elapsed());
    for name in after.keys() {
        // A poll's statements come together, and the minute's upkeep may fall into the flood. Nobody else has anything to ask.
        let idle = more(&at_rest, &idle, name) / rested;
        let has_rounds = ["tidegate-meta", "tidegate-upkeep"].contains(&name.as_str());
        let own = if has_rounds { idle * took.as_secs_f64() * 1.5 + 40.0 } else { 0.0 };
        let asked = more(&after, &before, name);
        assert!(asked <= own, "{name}: {asked} statements in {took:?}, {idle:.1} a second at rest");
    }
    let growth = memory_after.saturating_sub(memory_before);
    assert!(growth < 8 << 10, "{growth} KiB more after 20 000 requests ({memory_before} KiB before)");
    serve.stop().await;
}
