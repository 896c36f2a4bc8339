//! The doors, by the lines in docs/api.md.

use std::collections::HashSet;

use serde_json::{Value, json};
use tidegate::{
    auth::{scope::Role, single::Single},
    store::keys::End,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    time::timeout,
};

use crate::{
    folder::Folder,
    home::{PATIENCE, Ran, bare},
    support::{house::TestHouse, manual, postgres::TestDatabase},
};

/// The lines of the page below a heading.
fn lines(heading: &str) -> String {
    let page = manual::read("docs/api.md");
    let section = manual::section(&page, heading);
    section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

/// Runs lines with a key in the variable that they name, and reads what they print, one document after the other.
async fn run(house: &TestHouse, heading: &str, variable: &str, key: &str) -> Vec<Value> {
    let folder = Folder::below(&std::env::temp_dir());
    let mut command = bare("bash", folder.path());
    command.args(["-euo", "pipefail", "-c", &lines(heading)]);
    command.env("TIDEGATE_URL", &house.base).env(variable, key);
    let ran = Ran::of(command).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let documents = serde_json::Deserializer::from_str(&ran.out).into_iter();
    documents.map(|document| document.unwrap_or_else(|error| panic!("{error}: {ran:?}"))).collect()
}

#[tokio::test]
async fn the_lines_of_the_page_work() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let project = house.project().await;
    house.state.authority.refresh().await.unwrap();

    let key = house.single_key(&project, Single::Instance).await;
    let said = run(&house, "### Core data", "INSTANCE_KEY", &key).await;
    let [found, changed, gone] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(
        (&found["total_entries"], &found["results"][0]["custom_field.plan"]),
        (&json!(1), &json!("gold"))
    );
    assert_eq!((&changed["last_name"], changed.get("custom_field.plan")), (&json!("King"), None));
    assert_eq!(gone["uuid"], changed["uuid"]);

    let key = house.single_key(&project, Single::EventStream).await;
    let said = run(&house, "### Events by event-stream key", "EVENT_STREAM_KEY", &key).await;
    let [stored, listed, streamed] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(*stored, json!({"uuid": "call-17"}));
    assert_eq!(listed["results"][0]["log"], json!({"seconds": 12}));
    assert_eq!(streamed["items"][0]["type"], "contact.created");

    let user = house.user(Role::FullAccess, Some(&[project])).await;
    let (_, key) = house.personal_key(&user, Role::FullAccess).await;
    let said = run(&house, "### Contacts and conversations by personal key", "PERSONAL_KEY", &key).await;
    let [found, changed, gone, closed] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(
        (&found["data"]["total"], &found["data"]["items"][0]["first_name"]),
        (&json!(1), &json!("Grace"))
    );
    assert_eq!(changed["data"]["custom_fields"], json!({"plan": "gold"}));
    assert_eq!(gone["data"], json!({"id": changed["data"]["id"]}));
    assert_eq!(closed["data"]["items"], json!([]));
    house.stop().await;
}

/// A chat that takes messages: answers each request, and gives the body of the next one.
async fn next_message(chat: &TcpListener) -> Value {
    let (mut client, _) = timeout(PATIENCE, chat.accept()).await.expect("somebody tells the chat").unwrap();
    let mut text = String::new();
    let body = loop {
        let mut piece = vec![0; 4096];
        let length = client.read(&mut piece).await.unwrap();
        assert!(length > 0, "the request ended early: {text}");
        text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
        if let Ok(body) = serde_json::from_str(body) {
            break body;
        }
    };
    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await.unwrap();
    body
}

#[tokio::test]
async fn a_chat_is_told_of_new_leads_until_the_key_ends() {
    let path = crate::script::folder().join("doors/notify_leads.py");
    assert!(std::fs::read_to_string(&path).unwrap().lines().count() < 40, "it is to be short");
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let key = house.single_key(&inlet.project, Single::EventStream).await;
    let chat = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = Folder::below(&std::env::temp_dir());
    let mut command = bare(&path, folder.path());
    command.env("TIDEGATE_URL", &house.base).env("TIDEGATE_KEY", &key);
    command.env("CHAT_URL", format!("http://{}/hook", chat.local_addr().unwrap()));
    command.env("NO_PROXY", "127.0.0.1").stderr(std::process::Stdio::piped());
    let mut notifier = command.spawn().unwrap();
    let mut said = BufReader::new(notifier.stderr.take().unwrap()).lines();
    let mut line = async || timeout(PATIENCE, said.next_line()).await.expect("it says something").unwrap();
    assert_eq!(line().await.as_deref(), Some("following"));

    let lead = json!({"email": "ada@example.com", "first_name": "Ada"});
    let instance = house.single_key(&inlet.project, Single::Instance).await;
    let other = json!([{"_user_id": "pushed"}]);
    assert_eq!(house.post(&instance, "/crm/api/v2/contacts", &lead).await.status, 201);
    assert_eq!(next_message(&chat).await, json!({"text": "New lead: Ada ada@example.com"}));
    assert_eq!(house.post(&inlet.token, &inlet.path("/stream/contacts"), &other).await.status, 202);
    assert_eq!(next_message(&chat).await, json!({"text": "New lead: pushed"}));

    let user = house.user(Role::FullAccess, None).await;
    let (_, manager) = house.personal_key(&user, Role::FullAccess).await;
    let path = format!("/v1/project/{}/event-stream-key/regenerate", inlet.project);
    assert_eq!(house.post(&manager, &path, &json!({})).await.status, 200);
    let last = line().await.unwrap();
    assert!(last.starts_with("401 {") && !last.contains(&key), "{last}");
    assert_eq!(timeout(PATIENCE, notifier.wait()).await.expect("it ends").unwrap().code(), Some(1));
    house.stop().await;
}

/// An event of a conversation on a day in January 2026.
fn step(conversation: &str, step: &str, at: &str, text: &str) -> Value {
    json!({
        "_event_id": format!("{conversation} {step} {text} {at}"), "_event_type": format!("conversation_{step}"), "_user_id": "ada",
        "_event_date": format!("2026-01-{at}Z"), "_event_parameters": {"conversation_id": conversation, "text": text},
    })
}

#[tokio::test]
async fn a_day_is_exported_whole_and_by_a_key_that_may_only_read() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let user = house.user(Role::FullAccess, Some(std::slice::from_ref(&inlet.project))).await;
    let (key_id, key) = house.personal_key(&user, Role::ReadOnly).await;
    // More than a page of conversations, one with more than a page of messages, and more requests than the budget has.
    let mut events: Vec<Value> =
        (0..101).map(|n| step(&format!("c/{n}"), "closed", "05T10:00:00", "")).collect();
    events.extend((0..101).map(|n| {
        step("c/7", "message", &format!("04T{:02}:{:02}:00", n / 60, n % 60), &format!("line {n}"))
    }));
    events.push(step("other", "closed", "06T00:00:00", ""));
    for some in events.chunks(100) {
        let pushed = house.post(&inlet.token, &inlet.path("/stream/events"), &json!(some)).await;
        assert_eq!((pushed.status, &pushed.json()["success"]), (202, &json!(true)), "{}", pushed.text);
    }
    house.sql("update project set limits = '{\"door.personal\": 100}'").await;
    house.state.authority.refresh().await.unwrap();
    let export = async || {
        let folder = Folder::below(&std::env::temp_dir());
        let mut command = bare(crate::script::folder().join("doors/export_conversations.py"), folder.path());
        command
            .arg("2026-01-05")
            .env("TIDEGATE_URL", &house.base)
            .env("TIDEGATE_KEY", &key)
            .env("NO_PROXY", "127.0.0.1");
        let ran = Ran::of(command).await;
        assert!(!format!("{ran:?}").contains(&key), "the key is shown: {ran:?}");
        ran
    };
    let first = export().await;
    assert_eq!((first.code, first.err.as_str()), (Some(0), "101 conversations closed on 2026-01-05\n"));
    let lines: Vec<Value> = first.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: HashSet<&str> = lines.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!((lines.len(), ids.len(), ids.contains("other")) == (101, 101, false), "{ids:?}");
    let seventh = lines.iter().find(|one| one["id"] == "c/7").unwrap();
    let texts: Vec<&str> =
        seventh["messages"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(texts, (0..101).map(|n| format!("line {n}")).collect::<Vec<_>>());
    house.sql("update project set limits = '{}'").await;
    house.state.authority.refresh().await.unwrap();
    assert_eq!(export().await.out, first.out, "the same again");

    let write = house.post(&key, "/api/v1/contact/upsert", &json!({"email": "eve@example.com"})).await;
    assert_eq!((write.status, &write.json()["meta"]["code"]), (403, &json!("insufficient_scope")));
    house.end_key(key_id, End::Revoke).await;
    let refused = export().await;
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert_eq!(refused.err, "401 Invalid or revoked API key\n");
    house.stop().await;
}
