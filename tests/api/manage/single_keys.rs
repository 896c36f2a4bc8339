//! The instance key and the event-stream key: made on first need, shown at any time, replaced without a second live one.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate::{
    auth::{Vault, scope::Scope},
    config::Stations,
    domain::clock::SystemClock,
    store::keys::End,
};

use crate::{
    stream::house,
    support::{
        folder::{Folder, random_hex},
        house::{Inlet, Reply, TestHouse, stations, vault},
    },
};

const KINDS: [(&str, &str, &str); 2] =
    [("instance", "instance-key", "instance_"), ("event-stream", "event-stream-key", "tge_")];

/// A key that may do anything in a project.
async fn all(house: &TestHouse, inlet: &Inlet) -> String {
    house.product_token(Some(&inlet.project), Scope::ALL).await.1
}

async fn post(house: &TestHouse, key: &str, inlet: &Inlet, rest: &str) -> Reply {
    let path = format!("/v1/project/{}/{rest}", inlet.project);
    Reply::of(house.request("POST", &path).bearer_auth(key)).await
}

async fn state(house: &TestHouse, key: &str, inlet: &Inlet, route: &str) -> Value {
    let reply = house.get(key, &format!("/v1/project/{}/{route}", inlet.project)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["entity"].clone()
}

/// The text that an answer shows.
#[track_caller]
fn text(reply: &Reply) -> String {
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{}", reply.text);
    reply.json()["entity"]["key"].as_str().unwrap().to_owned()
}

/// How a key is answered, by header with and without `Bearer`.
async fn probes(house: &TestHouse, key: &str, inlet: &Inlet) -> [u16; 2] {
    // Neither kind may read the state of keys: 403 is what a live one is told.
    let path = format!("/v1/project/{}/instance-key", inlet.project);
    let raw = house.request("GET", &path).header("Authorization", key);
    [house.get(key, &path).await.status, Reply::of(raw).await.status]
}

#[tokio::test]
async fn a_key_is_made_when_it_is_first_revealed_and_shown_at_any_time() {
    let (_database, house, inlet) = house().await;
    let manager = all(&house, &inlet).await;
    for (kind, route, prefix) in KINDS {
        let before = state(&house, &manager, &inlet, route).await;
        assert_eq!(
            (&before["kind"], &before["exists"], &before["prefix"], &before["retrievable"]),
            (&json!(kind), &json!(false), &Value::Null, &json!(true))
        );
        let first = post(&house, &manager, &inlet, &format!("{route}/reveal")).await;
        let key = text(&first);
        assert!(key.starts_with(prefix), "{kind}");
        assert_eq!(text(&post(&house, &manager, &inlet, &format!("{route}/reveal")).await), key);
        assert_eq!(probes(&house, &key, &inlet).await, [403, 403], "in force at once, raw as well");
        let after = state(&house, &manager, &inlet, route).await;
        assert_eq!(
            (&after["exists"], &after["retrievable"], &after["note"]),
            (&json!(true), &json!(true), &Value::Null)
        );
        assert_eq!(after["id"], first.json()["entity"]["id"]);
        assert!(key.starts_with(after["prefix"].as_str().unwrap()) && !after["createdAt"].is_null());
        assert!(!after.to_string().contains(&key), "the state shows no text");
        let row =
            format!("from key where kind = '{kind}' and position(convert_to('{key}', 'UTF8') in sealed) = 0");
        assert_eq!(house.number(&format!("select count(*) {row} and length(sealed) > 40")).await, 1);
        let actions = |action| {
            format!(
                "select count(*) from audit where action = '{action}' and subject = '{}' and address = '127.0.0.0/24' \
                 and actor like 'product key %' and project_id is not null",
                after["id"].as_str().unwrap()
            )
        };
        assert_eq!(house.number(&actions("key.create")).await, 1);
        assert_eq!(house.number(&actions("key.reveal")).await, 2);
        let leaked = format!("select count(*) from audit a where position('{key}' in a::text) > 0");
        assert_eq!(house.number(&leaked).await, 0);
    }
    house.stop().await;
}

#[tokio::test]
async fn regenerating_ends_the_old_key_before_the_answer() {
    let (_database, house, inlet) = house().await;
    let manager = all(&house, &inlet).await;
    for (kind, route, _) in KINDS {
        let old = text(&post(&house, &manager, &inlet, &format!("{route}/reveal")).await);
        let reply = post(&house, &manager, &inlet, &format!("{route}/regenerate")).await;
        let new = text(&reply);
        assert_ne!(old, new);
        assert_eq!(probes(&house, &old, &inlet).await, [401, 401]);
        assert_eq!(probes(&house, &new, &inlet).await, [403, 403]);
        assert_eq!(text(&post(&house, &manager, &inlet, &format!("{route}/reveal")).await), new);
        let id = reply.json()["entity"]["id"].as_str().unwrap().to_owned();
        let linked = format!(
            "select count(*) from key n join key o on o.id = n.replaces
             where n.id = '{id}' and o.kind = '{kind}' and o.revoked_at is not null and o.sealed = ''"
        );
        assert_eq!(house.number(&linked).await, 1);
        let audit =
            format!("select count(*) from audit where action = 'key.regenerate' and subject = '{id}'");
        assert_eq!(house.number(&audit).await, 1);
        // One that was revoked by hand is replaced when it is next needed.
        house.end_key(id.parse().unwrap(), End::Revoke).await;
        let next = text(&post(&house, &manager, &inlet, &format!("{route}/reveal")).await);
        assert_ne!(next, new);
        assert_eq!(probes(&house, &new, &inlet).await, [401, 401]);
    }
    house.stop().await;
}

#[tokio::test]
async fn many_at_once_leave_one_live_key() {
    let (_database, house, inlet) = house().await;
    let manager = all(&house, &inlet).await;
    let asked = (0..12).map(|n| {
        let rest = if n % 3 == 0 { "instance-key/reveal" } else { "instance-key/regenerate" };
        post(&house, &manager, &inlet, rest)
    });
    let replies = futures_util::future::join_all(asked).await;
    let keys: BTreeSet<String> = replies.iter().map(text).collect();
    let mut live = Vec::new();
    for key in &keys {
        if probes(&house, key, &inlet).await == [403, 403] {
            live.push(key.clone());
        }
    }
    assert_eq!(
        live,
        [text(&post(&house, &manager, &inlet, "instance-key/reveal").await)],
        "of {}",
        keys.len()
    );
    let rows =
        "select count(*) from key where kind = 'instance' and revoked_at is null and deleted_at is null";
    assert_eq!(house.number(rows).await, 1);
    house.stop().await;
}

#[tokio::test]
async fn nobody_sees_a_key_that_may_do_more_than_their_own() {
    let (_database, house, inlet) = house().await;
    let (_, narrow) = house.product_token(Some(&inlet.project), &[Scope::ProjectManage]).await;
    let lacking =
        |without: Scope| Scope::ALL.iter().copied().filter(|scope| *scope != without).collect::<Vec<_>>();
    let (_, nearly) = house.product_token(None, &lacking(Scope::ProjectStreamWrite)).await;
    for (_, route, _) in KINDS {
        assert_eq!(state(&house, &narrow, &inlet, route).await["exists"], false);
        for deed in ["reveal", "regenerate"] {
            let rest = format!("{route}/{deed}");
            let refused = post(&house, &narrow, &inlet, &rest).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "insufficient_scope"));
            let first = if route == "instance-key" { "PROJECT_READ" } else { "PROJECT_AUDIENCE_DATA_BASIC" };
            assert!(
                refused.header("www-authenticate").ends_with(&format!("scope=\"{first}\"")),
                "{:?}",
                refused.headers
            );
            let refused = post(&house, &nearly, &inlet, &rest).await;
            assert!(refused.header("www-authenticate").ends_with("scope=\"PROJECT_STREAM_WRITE\""));
        }
    }
    assert_eq!(house.number("select count(*) from key where sealed is not null").await, 0, "none was made");
    let other = house.inlet().await;
    let manager = all(&house, &inlet).await;
    assert_eq!(post(&house, &manager, &other, "instance-key/reveal").await.status, 404);
    // Each of the two may do all that it may do itself, but may not manage.
    let key = text(&post(&house, &manager, &inlet, "instance-key/reveal").await);
    let refused = post(&house, &key, &inlet, "instance-key/reveal").await;
    assert!(refused.header("www-authenticate").ends_with("scope=\"PROJECT_MANAGE\""));
    house.stop().await;
}

/// Another server on the same database.
async fn beside(house: &TestHouse, vault: Vault) -> TestHouse {
    TestHouse::with(house.database.clone(), Stations { vault, ..stations() }, SystemClock::shared()).await
}

#[tokio::test]
async fn a_lost_secret_key_is_a_state_and_regenerating_goes_on() {
    let (_database, house, inlet) = house().await;
    let manager = all(&house, &inlet).await;
    let key = text(&post(&house, &manager, &inlet, "instance-key/reveal").await);
    let after = beside(&house, vault("0f")).await;
    assert_eq!(probes(&after, &key, &inlet).await, [403, 403], "it authenticates all the same");
    let lost = state(&after, &manager, &inlet, "instance-key").await;
    assert_eq!((&lost["exists"], &lost["retrievable"]), (&json!(true), &json!(false)));
    assert!(lost["note"].as_str().unwrap().contains("regenerate to continue"), "{lost}");
    let refused = post(&after, &manager, &inlet, "instance-key/reveal").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "not_retrievable"));
    assert!(refused.json()["detail"].as_str().unwrap().contains("regenerate to continue"));
    assert_eq!(probes(&after, &key, &inlet).await, [403, 403], "asking has ended nothing");

    let new = text(&post(&after, &manager, &inlet, "instance-key/regenerate").await);
    assert_eq!(text(&post(&after, &manager, &inlet, "instance-key/reveal").await), new);
    assert_eq!(probes(&after, &key, &inlet).await, [401, 401]);
    assert_eq!(state(&after, &manager, &inlet, "instance-key").await["retrievable"], true);
    after.stop().await;
    house.stop().await;
}

#[tokio::test]
async fn without_a_secret_key_nothing_is_made_and_the_answer_says_what_to_set() {
    let (_database, house, inlet) = house().await;
    let manager = all(&house, &inlet).await;
    let none = beside(&house, Vault::Nowhere).await;
    let empty = state(&none, &manager, &inlet, "event-stream-key").await;
    assert_eq!((&empty["exists"], &empty["retrievable"]), (&json!(false), &json!(false)));
    assert!(empty["note"].as_str().unwrap().contains("TIDEGATE_SECRET_KEY"), "{empty}");
    for deed in ["reveal", "regenerate"] {
        let refused = post(&none, &manager, &inlet, &format!("event-stream-key/{deed}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "no_secret_key"));
        assert!(refused.json()["detail"].as_str().unwrap().contains("TIDEGATE_SECRET_KEY"));
    }
    assert_eq!(house.number("select count(*) from key where sealed is not null").await, 0);
    none.stop().await;
    house.stop().await;
}

#[tokio::test]
async fn a_file_that_holds_no_secret_key_is_a_state_too() {
    let (_database, house, inlet) = house().await;
    let manager = all(&house, &inlet).await;
    let folder = Folder::below(&std::env::temp_dir().join(format!("vault-{}", random_hex())));
    let broken = beside(&house, Vault::in_folder(folder.path())).await;
    let key = text(&post(&broken, &manager, &inlet, "instance-key/reveal").await);
    let file = folder.path().join("secret-key");
    let kept = std::fs::read(&file).unwrap();
    for content in ["", "not a key\n"] {
        std::fs::write(&file, content).unwrap();
        let standing = state(&broken, &manager, &inlet, "instance-key").await;
        assert_eq!(standing["retrievable"], false);
        for deed in ["reveal", "regenerate"] {
            let refused = post(&broken, &manager, &inlet, &format!("instance-key/{deed}")).await;
            assert_eq!((refused.status, refused.code().as_str()), (409, "no_secret_key"));
            assert!(!refused.text.contains(folder.path().to_str().unwrap()), "{}", refused.text);
        }
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            content,
            "what may still be mended is not overwritten"
        );
        assert_eq!(probes(&broken, &key, &inlet).await, [403, 403]);
    }
    std::fs::write(&file, kept).unwrap();
    assert_eq!(
        text(&post(&broken, &manager, &inlet, "instance-key/reveal").await),
        key,
        "read anew each time"
    );
    broken.stop().await;
    house.stop().await;
}
