//! The stream of a project into a file, and out of it into another project.

use std::{collections::BTreeMap, fs, process::Stdio, time::Duration};

use serde_json::{Value, json};

use crate::{
    home::{Home, PATIENCE, bare, until},
    import::{datasource, events, sums},
    serve::Serve,
};

/// The lines of a file, each one JSON.
fn lines(home: &Home, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(home.folder().join(name)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line of {name} is torn");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Contacts that are made, changed and deleted, in an order that counts.
fn people(count: usize) -> String {
    let mut text = String::new();
    let mut add = |contact: Value| text.push_str(&format!("{contact}\n"));
    for n in 0..count {
        add(
            json!({ "_user_id": format!("u{n}"), "_email": format!("u{n}@example.com"), "shoe": n, "old": true }),
        );
    }
    for n in 0..count / 2 {
        add(json!({ "_user_id": format!("u{n}"), "shoe": { "eu": n, "uk": [n] }, "old": null }));
    }
    text
}

/// The contacts of a datasource as they are stored.
async fn contacts(home: &Home, datasource: &str) -> BTreeMap<String, Value> {
    let sql = "select c.user_id, c.attributes::text from contact c join datasource d on d.id = c.datasource_id where d.uid = $1";
    let rows = home.client().await.query(sql, &[&datasource]).await.unwrap();
    rows.iter().map(|row| (row.get(0), serde_json::from_str(row.get(1)).unwrap())).collect()
}

/// What an item says apart from where and when it was stored.
fn said(item: &Value) -> String {
    let mut item = item.clone();
    for name in ["cursor", "datasource", "receivedAt"] {
        item.as_object_mut().unwrap().remove(name).unwrap_or_else(|| panic!("no {name} in an item"));
    }
    // The time of a change is that of its commit.
    if item["kind"] == "contact" {
        item.as_object_mut().unwrap().remove("_event_date");
    }
    item.to_string()
}

fn all_said(items: &[Value]) -> Vec<String> {
    let mut all: Vec<String> = items.iter().map(said).collect();
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_comes_whole_into_another_one() {
    const EVENTS: usize = 20_000;
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    let (one, from) = datasource(&home, "One").await;
    let (two, to) = datasource(&home, "Two").await;
    fs::write(home.folder().join("events.ndjson"), events(EVENTS, usize::MAX)).unwrap();
    fs::write(home.folder().join("people.ndjson"), people(400)).unwrap();
    for file in ["events.ndjson", "people.ndjson"] {
        home.run(["import", file, "--datasource", &from]).await.ok();
    }
    for id in ["u0", "u300"] {
        home.run(["contact", "erase", "--yes", "--datasource", &from, "--user-id", id]).await.ok();
    }

    // Killed while it writes, torn besides, and gone on with.
    let export = ["export", "--project", &one, "--output", "all.ndjson"];
    let mut child = home.command(export).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let file = home.folder().join("all.ndjson");
    until("lines are written", PATIENCE, async || fs::metadata(&file).is_ok_and(|file| file.len() > 0)).await;
    child.kill().await.unwrap();
    let torn = fs::read(&file).unwrap();
    fs::write(&file, &torn[..torn.len() - 10]).unwrap();
    home.run(export).await.refused(&["all.ndjson exists already", "--resume"]);
    let resumed = home.run(export.iter().chain(&["--resume"])).await;
    assert!(resumed.err.contains("the last cursor is "), "{}", resumed.err);
    assert_eq!(resumed.ok(), "");
    let whole = home.run(["export", "--project", &one]).await.ok();
    assert!(fs::read_to_string(&file).unwrap() == whole, "in two runs it is what it is in one");
    let items = lines(&home, "all.ndjson");
    assert_eq!(items.len(), EVENTS + 400 + 200 + 2);

    home.run(["import", "all.ndjson", "--datasource", &to, "--kind", "contacts"]).await.ok();
    assert_eq!(sums(&home, &to).await.0, 0, "only contacts were asked for");
    let told = home.run(["import", "all.ndjson", "--json", "--datasource", &to]).await.json();
    assert_eq!(
        (&told["stored"], &told["rejected"], &told["rows"]),
        (&json!(EVENTS), &json!(0), &json!(items.len()))
    );
    assert_eq!(contacts(&home, &to).await, contacts(&home, &from).await);
    let (sent, found) = (sums(&home, &from).await, sums(&home, &to).await);
    assert_eq!((sent.0, sent.1), (found.0, found.1), "events and the sum of their ids");
    home.run(["export", "--project", &two, "--type", "purchase", "--output", "back.ndjson"]).await.ok();
    let of_events: Vec<Value> = items.iter().filter(|item| item["kind"] == "event").cloned().collect();
    assert!(all_said(&lines(&home, "back.ndjson")) == all_said(&of_events), "every event as it was");

    // Once more it changes nothing: events are there, contacts end as they are.
    let again =
        home.run(["import", "all.ndjson", "--kind", "events", "--json", "--datasource", &to]).await.json();
    assert_eq!(
        (&again["duplicate"], &again["stored"], &again["skipped"]),
        (&json!(EVENTS), &json!(0), &json!(602))
    );
    home.run(export.map(|word| if word == one { "proj_x" } else { word }))
        .await
        .refused(&["proj_x", "project list"]);
    let foreign = ["export", "--project", &two, "--output", "all.ndjson", "--resume"];
    home.run(foreign).await.refused(&["another project"]);
    serve.stop().await;
}

#[tokio::test]
async fn contacts_alone_bring_the_same_changes_in_the_same_order() {
    let home = Home::new();
    let (one, from) = datasource(&home, "One").await;
    let (two, to) = datasource(&home, "Two").await;
    fs::write(home.folder().join("people.ndjson"), people(300)).unwrap();
    home.run(["import", "people.ndjson", "--datasource", &from]).await.ok();
    home.run(["export", "--project", &one, "--output", "one.ndjson"]).await.ok();
    home.run(["import", "one.ndjson", "--datasource", &to]).await.ok();
    home.run(["export", "--project", &two, "--output", "two.ndjson"]).await.ok();
    let (sent, found) = (lines(&home, "one.ndjson"), lines(&home, "two.ndjson"));
    assert_eq!(sent.len(), 450);
    assert_eq!(all_said(&found), all_said(&sent));
    let mut of_one: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in &found {
        of_one.entry(item["_user_id"].as_str().unwrap()).or_default().push(item["type"].as_str().unwrap());
    }
    assert_eq!(of_one["u7"], ["contact.created", "contact.updated"]);
    assert!(home.postmaster().is_none(), "a command left PostgreSQL running");
}

#[tokio::test]
async fn lines_are_those_of_the_pages_and_filters_are_theirs() {
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    let (project, uid) = datasource(&home, "Shop").await;
    let more = ["datasource", "create", "--name", "More", "--json", "--project", &project];
    let other = home.run(more).await.json()["uid"].as_str().unwrap().to_owned();
    fs::write(home.folder().join("a.ndjson"), events(30, usize::MAX)).unwrap();
    fs::write(home.folder().join("b.ndjson"), people(10)).unwrap();
    home.run(["import", "a.ndjson", "--datasource", &uid]).await.ok();
    home.run(["import", "b.ndjson", "--datasource", &other]).await.ok();

    let scopes = "PROJECT_STREAM_READ,PROJECT_AUDIENCE_DATA_BASIC";
    let key =
        ["key", "create", "--kind", "product", "--name", "lake", "--project", &project, "--json", "--scopes"];
    let key = home.run(key.iter().copied().chain([scopes])).await.json();
    let url = format!("{}/v1/project/{project}/stream?limit=1000", serve.base);
    let http = reqwest::Client::new();
    let page = std::cell::RefCell::new(String::new());
    until("the key is in force", Duration::from_secs(2), async || {
        let request = http.get(&url).header("accept", "application/x-ndjson");
        let answer = request.bearer_auth(key["key"].as_str().unwrap()).send().await.unwrap();
        let fine = answer.status() == 200;
        page.replace(answer.text().await.unwrap());
        fine
    })
    .await;
    let whole = home.run(["export", "--project", &project]).await;
    let last = whole.err.split("the last cursor is ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let whole = whole.ok();
    assert_eq!(whole, page.into_inner(), "exactly as the pages give them");

    let of = async |more: &[&str]| {
        let ran = home.run(["export", "--project", &project].iter().chain(more)).await.ok();
        ran.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    assert_eq!(of(&["--type", "purchase"]).await.len(), 30);
    assert_eq!(of(&["--type", "contact.*", "--datasource", &other]).await.len(), 15);
    assert_eq!(of(&["--type", "contact.updated,purchase"]).await.len(), 35);
    assert_eq!(of(&["--datasource", &uid]).await.len(), 30);
    assert_eq!(of(&["--after", &last]).await.len(), 0);
    assert_eq!(of(&["--to", "2026-01-01"]).await.len(), 0);
    assert_eq!(of(&["--from", "2100-01-01"]).await.len(), 0);
    let items = of(&[]).await;
    let middle = items[30]["receivedAt"].as_str().unwrap();
    assert_eq!(of(&["--from", middle]).await, items[30..]);
    assert_eq!(of(&["--to", middle]).await, items[..30]);
    let cursor = items[10]["cursor"].as_str().unwrap();
    assert_eq!(of(&["--after", cursor]).await, items[11..]);
    let masked = of(&["--masked", "--type", "contact.created"]).await;
    assert_eq!(masked[0]["changed"]["_email"]["to"], "u•••@•••.com");

    refusals(&home, &project, whole.lines().next().unwrap()).await;
    serve.stop().await;
}

/// What an export will not do, and a reader that goes away.
async fn refusals(home: &Home, project: &str, first: &str) {
    let export = ["export", "--project", project];
    let refused = async |more: &[&str], words: &[&str]| {
        home.run(export.iter().chain(more)).await.refused(words);
    };
    refused(&["--after", "AQ"], &["--after", "is not a cursor"]).await;
    refused(&["--type", "a*b"], &["--type", "not at its end"]).await;
    refused(&["--from", "yesterday"], &["--from", "RFC 3339"]).await;
    refused(&["--datasource", "ds_x"], &["ds_x", "datasource list --project"]).await;
    refused(&["--resume"], &["--output"]).await;

    // A reader that has enough ends it without a word of complaint.
    let call = format!(
        "{} --data-dir {} export --project {project} | head -n 1",
        crate::home::PROGRAM,
        home.data_dir().display()
    );
    let mut pipe = bare("sh", home.folder());
    pipe.args(["-c", &call]);
    let one = crate::home::Ran::of(pipe).await.ok();
    assert_eq!(one, format!("{first}\n"));
}
