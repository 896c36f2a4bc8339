//! Canaries: after a tour through everything that takes or gives secrets, none of them is where it must not be.
//!
//! `walk` is the tour, `tour` what it leans on, `needles` says how a secret is recognized; the places are here.

mod needles;
mod tour;
mod walk;

use std::{collections::BTreeSet, fs, process::Stdio};

use needles::{Secret, found};
use tokio::io::AsyncWriteExt;
use tour::{LOG, Tour};

use crate::{
    home::{Home, bare},
    serve::Serve,
};

#[tokio::test]
async fn no_secret_is_in_the_database_the_logs_the_metrics_or_the_audit() {
    let home = Home::new();
    let options = ["--no-demo", "--log", LOG];
    let mut serve = Serve::with(&home, &options).await;
    let mut tour = Tour::of(&home, &serve);
    walk::walk(&mut tour).await;
    let metrics = reqwest::get(&serve.metrics).await.unwrap().text().await.unwrap();
    let audit = listed(&mut tour).await;
    // What is noted behind the answers is in the database when the server has ended.
    serve.signal(rustix::process::Signal::TERM);
    assert!(serve.ended().await.success(), "{}", serve.logged());

    let again = Serve::with(&home, &options).await;
    let dump = home.dump().await;
    let pg_log = fs::read_to_string(home.data_dir().join("pg.log")).unwrap();
    for (place, text, sign) in [
        ("the dump", dump, "COPY public.key "),
        ("the log", serve.logged(), "answered"),
        ("the log of the next server", again.logged(), "answered"),
        ("what the commands said besides", tour.said, "rotated already"),
        ("an answer that shows no key", tour.answers, "insufficient_scope"),
        ("the metrics", metrics, "tidegate_http_requests_total{"),
        ("the audit or a list", audit, "key.reveal"),
        ("the log of PostgreSQL", pg_log, ""),
    ] {
        assert!(text.contains(sign), "{place} is another thing: {text}");
        let seen = found(&tour.secrets, text.as_bytes());
        assert!(seen.is_empty(), "{place} has {seen:?}");
    }
    assert_eq!(files_with(&tour.secrets, &home).await, "", "files of the data directory have a secret");
    planted(&home, &tour.secrets, &tour.keys[0]).await;
    again.stop().await;
}

/// What the lists show; every deed has left its line.
async fn listed(tour: &mut Tour<'_>) -> String {
    let audit = tour.run(&["audit", "list", "--json", "--limit", "1000000"]).await.json();
    let actions: BTreeSet<&str> =
        audit.as_array().unwrap().iter().filter_map(|line| line["action"].as_str()).collect();
    for deed in [
        "key.create",
        "key.rotate",
        "key.regenerate",
        "key.revoke",
        "key.delete",
        "key.change",
        "key.reveal",
        "user.create",
        "user.disable",
        "user.password",
        "secret_key.rotate",
    ] {
        assert!(actions.contains(deed), "no {deed} among {actions:?}");
    }
    let mut all = audit.to_string();
    for list in [["audit", "list"], ["key", "list"], ["user", "list"]] {
        all.push_str(&tour.run(&list).await.ok());
        all.push_str(&tour.run(&[&list[..], &["--json"]].concat()).await.ok());
    }
    all
}

/// The files of the data directory, the log of the database among them, that have a secret; without the one that is there for that.
async fn files_with(secrets: &[Secret], home: &Home) -> String {
    let is_text = |form: &Vec<u8>| form.iter().all(u8::is_ascii_graphic);
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(Secret::forms).filter(is_text).collect();
    let mut grep = bare("grep", home.folder());
    grep.args(["-rlaF", "-D", "skip", "--exclude=secret-key", "-f", "-"])
        .arg(home.data_dir())
        .env("LC_ALL", "C");
    let mut child = grep.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&forms.join(&b"\n"[..])).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (found, complaints) = (text(output.stdout), text(output.stderr));
    let went_away = |line: &str| line.ends_with("No such file or directory");
    assert!(complaints.lines().all(went_away), "grep did not look: {complaints}");
    found
}

/// The same search finds a key that somebody put there.
async fn planted(home: &Home, secrets: &[Secret], key: &str) {
    let client = home.client().await;
    client.execute("update project set name = $1 where name = 'Other'", &[&key]).await.unwrap();
    assert_eq!(found(secrets, home.dump().await.as_bytes()).len(), 1);
    assert!(files_with(secrets, home).await.contains("pg_wal"));
}
