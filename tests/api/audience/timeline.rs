//! What happened to one contact: newest first, page by page, masked by scope, by cursors that know their history.

use serde_json::{Value, json};
use tidegate::{auth::scope::Scope, domain::cursor::Cursor};

use super::{Reader, contact};
use crate::support::{
    house::{Inlet, Reply, TestHouse},
    postgres::TestDatabase,
};

async fn push(house: &TestHouse, inlet: &Inlet, events: &[Value]) -> Reply {
    let reply = house.post(&inlet.token, &inlet.path("/stream/events"), &json!(events)).await;
    assert_eq!((reply.status, reply.json()["success"].as_bool()), (202, Some(true)), "{}", reply.text);
    reply
}

fn event(user: &str, id: &str) -> Value {
    json!({"_user_id": user, "_event_id": id, "_event_type": "page_viewed"})
}

fn ids(page: &Value) -> Vec<&str> {
    let entities = page["entities"].as_array().unwrap_or_else(|| panic!("{page}"));
    entities.iter().map(|item| item["_event_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_run_from_the_newest_to_the_oldest_without_a_gap() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    let reader = Reader::of(&house, &inlet).await;
    contact(&house, &inlet, json!({"_user_id": "ada"})).await;
    contact(&house, &sibling, json!({"_user_id": "ada"})).await;
    for n in 0..25 {
        push(&house, &inlet, &[event("ada", &format!("e{n}")), event("bob", &format!("b{n}"))]).await;
        push(&house, &sibling, &[event("ada", &format!("s{n}"))]).await;
    }
    let id = reader.id(&house, "/user/ada").await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = reader.get(&house, &format!("/{id}/events?limit=10{after}")).await.json();
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        // What comes in meanwhile is newer than every page that is still to come.
        push(&house, &inlet, &[event("ada", &format!("late{}", seen.len()))]).await;
        let Some(cursor) = page["metadata"]["cursor"].as_str() else { break };
        assert_eq!(page["entities"][9]["cursor"], cursor, "the cursor is the last item's");
        after = format!("&after={cursor}");
    }
    let wanted: Vec<String> = (0..25).rev().map(|n| format!("e{n}")).collect();
    assert_eq!(seen, wanted);
    let whole = reader.get(&house, &format!("/{id}/events")).await.json();
    assert_eq!(
        (ids(&whole)[0], ids(&whole).len(), &whole["metadata"]["cursor"]),
        ("late25", 28, &Value::Null)
    );
    house.stop().await;
}

#[tokio::test]
async fn an_event_is_shown_as_the_stream_shows_it() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let reader = Reader::of(&house, &inlet).await;
    contact(&house, &inlet, json!({"_user_id": "ada"})).await;
    let form = json!({"_user_id": "ada", "_event_id": "f", "_event_type": "form_submitted", "_event_date": "2026-01-02T03:04:05Z",
        "_event_parameters": {"email": "ada@example.com", "phone": "+34600111221", "own": "x@example.com", "form": "f"}});
    push(&house, &inlet, &[form]).await;
    let id = reader.id(&house, "/user/ada").await;
    let page = reader.get(&house, &format!("/{id}/events")).await;
    let item = page.json()["entities"][0].clone();
    assert_eq!(
        item,
        json!({"cursor": item["cursor"], "kind": "event", "type": "form_submitted", "datasource": inlet.datasource,
            "_user_id": "ada", "_event_id": "f", "_event_date": "2026-01-02T03:04:05Z", "receivedAt": item["receivedAt"],
            "parameters": {"email": "ada@example.com", "phone": "+34600111221", "own": "x@example.com", "form": "f"}})
    );
    assert_eq!(page.header("ratelimit-policy"), "\"audience.read\";q=6000;w=60");
    let masked = Reader::with(&house, &inlet, &[Scope::ProjectAudienceDataEvents]).await;
    let parameters =
        masked.get(&house, &format!("/{id}/events")).await.json()["entities"][0]["parameters"].clone();
    assert_eq!(
        parameters,
        json!({"email": "a•••@•••.com", "phone": "+•••21", "own": "x@example.com", "form": "f"})
    );
    house.stop().await;
}

#[tokio::test]
async fn nothing_happened_is_an_empty_page_and_nobody_is_not() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let reader = Reader::of(&house, &inlet).await;
    contact(&house, &inlet, json!({"_user_id": "ada"})).await;
    let id = reader.id(&house, "/user/ada").await;
    let page = reader.get(&house, &format!("/{id}/events")).await.json();
    assert_eq!(page, json!({"entities": [], "metadata": {"cursor": null}}));
    let nobody = "/00000000-0000-4000-8000-000000000000/events";
    assert_eq!(reader.get(&house, nobody).await.code(), "contact_not_found");
    for bad in ["0", "1001", "x", "-1"] {
        let reply = reader.get(&house, &format!("/{id}/events?limit={bad}")).await;
        assert_eq!(reply.code(), "invalid_parameter", "{bad}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_cursor_knows_its_history() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let reader = Reader::of(&house, &inlet).await;
    contact(&house, &inlet, json!({"_user_id": "ada"})).await;
    push(&house, &inlet, &[event("ada", "1")]).await;
    let receipt = push(&house, &inlet, &[event("ada", "2")]).await.json()["receipt"]["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = reader.id(&house, "/user/ada").await;
    let page = async |after: &str| reader.get(&house, &format!("/{id}/events?limit=1&after={after}")).await;
    let first = reader.get(&house, &format!("/{id}/events?limit=1")).await.json();
    let cursor = first["metadata"]["cursor"].as_str().unwrap().to_owned();
    assert_eq!(ids(&page(&cursor).await.json()), ["1"]);
    for forged in ["", "noise", &cursor[1..], &receipt] {
        assert_eq!(page(forged).await.code(), "invalid_cursor", "{forged}");
    }
    // As a restore leaves it behind.
    house
        .sql(
            "update epoch set n = n + 40;
             insert into epoch (n, system_identifier, timeline, moved_to)
             select n - 40, system_identifier, timeline, n from epoch",
        )
        .await;
    for old in [&cursor, &receipt] {
        let gone = page(old).await;
        assert_eq!((gone.status, gone.code().as_str()), (410, "cursor_expired"), "{}", gone.text);
        let restart = gone.json()["restart"].as_str().unwrap().to_owned();
        let (then, now) = (Cursor::decode(old).unwrap(), Cursor::decode(&restart).unwrap());
        assert_eq!((now.tx, now.id), (then.tx, then.id));
        if *old == cursor {
            assert_eq!(
                ids(&page(&restart).await.json()),
                ["1"],
                "the restart point leads on from the same place"
            );
        }
    }
    house.stop().await;
}
