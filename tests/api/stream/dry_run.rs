//! `_dryRun` and `_sync`.

use serde_json::{Value, json};

use super::{contact_data, event, house};
use crate::support::house::{Inlet, Reply, TestHouse};

async fn push(house: &TestHouse, inlet: &Inlet, rest: &str, items: &Value) -> Reply {
    house.post(&inlet.token, &inlet.path(rest), items).await
}

/// Everything that a push writes.
async fn traces(house: &TestHouse) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in ["event", "event_key", "contact", "lot", "rejected_item", "usage_total"] {
        counts.push(house.number(&format!("select count(*) from {table}")).await);
    }
    counts
}

#[tokio::test]
async fn a_dry_run_foretells_what_the_push_then_answers() {
    let (_database, house, inlet) = house().await;
    push(&house, &inlet, "/stream/events", &json!([event("old", &json!({}))])).await;
    push(&house, &inlet, "/stream/contacts", &json!([{"_user_id": "old", "_city": "Rome"}])).await;
    let events = json!([
        event("old", &json!({})), event("old", &json!({"amount": 1})), event("new", &json!({})),
        event("new", &json!({})), event("new", &json!({"amount": 1})), {"_event_id": "bad"}, 7
    ]);
    let people = json!([
        {"_user_id": "old", "_city": "Rome"}, {"_user_id": "old", "_city": "Turin"}, {"_user_id": "new"},
        {"_user_id": "new"}, {"_user_id": "new", "x": 1}, {"_user_id": "bad", "_email": "x"}
    ]);
    for (rest, items) in [("/stream/events", &events), ("/stream/contacts", &people)] {
        house.state.ledger.flush().await.unwrap();
        let before = traces(&house).await;
        let foretold = push(&house, &inlet, &format!("{rest}?_dryRun"), items).await;
        house.state.ledger.flush().await.unwrap();
        assert_eq!(traces(&house).await, before);
        let happened = push(&house, &inlet, rest, items).await;
        let (mut foretold, mut happened) = (foretold.json(), happened.json());
        assert_eq!((foretold["dryRun"].take(), happened["dryRun"].take()), (json!(true), json!(false)));
        let (receipt, _) = (foretold["receipt"].take(), happened["receipt"].take());
        assert_eq!((&receipt["durability"], &receipt["cursor"]), (&json!("none"), &Value::Null));
        assert_eq!(foretold, happened);
        house.sql("truncate event, event_key, contact, lot, rejected_item, usage_total, usage_minute").await;
        push(&house, &inlet, "/stream/contacts", &json!([{"_user_id": "old", "_city": "Rome"}])).await;
        push(&house, &inlet, "/stream/events", &json!([event("old", &json!({}))])).await;
    }
    house.stop().await;
}

#[tokio::test]
async fn a_dry_run_without_a_good_item_is_422() {
    let (_database, house, inlet) = house().await;
    let reply = push(&house, &inlet, "/stream/events?_dryRun=1", &json!([{}])).await;
    assert_eq!((reply.status, &reply.json()["dryRun"]), (422, &json!(true)));
    house.stop().await;
}

#[tokio::test]
async fn flags_take_yes_and_no_in_a_few_spellings() {
    let (_database, house, inlet) = house().await;
    let one = json!([{"_user_id": "u"}]);
    for (query, dry) in [
        ("_dryRun", true),
        ("_dryRun=", true),
        ("_dryRun=true", true),
        ("_dryRun=1", true),
        ("_sync&_dryRun&x=y", true),
        ("%5FdryRun=true", true),
        ("_dryRun=false", false),
        ("_dryRun=0", false),
        ("dryRun=true", false),
        ("_DRYRUN=nonsense", false),
        ("_sync=true", false),
        ("unknown=%zz&&=&&", false),
    ] {
        let reply = push(&house, &inlet, &format!("/stream/contacts?{query}"), &one).await;
        assert_eq!((reply.status, &reply.json()["dryRun"]), (202, &json!(dry)), "{query}");
        assert_eq!(house.number("select count(*) from contact").await, i64::from(!dry), "{query}");
        house.sql("truncate contact").await;
    }
    for query in ["_dryRun=yes", "_dryRun=TRUE", "_dryRun=2", "_sync=perhaps", "_dryRun=true&_dryRun=x"] {
        let reply = push(&house, &inlet, &format!("/stream/contacts?{query}"), &one).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_parameter"), "{query}");
    }
    assert_eq!(house.number("select count(*) from contact").await, 0);
    house.stop().await;
}

#[tokio::test]
async fn what_was_answered_can_be_read_at_once() {
    let (_database, house, inlet) = house().await;
    for at in 0..20 {
        let id = at.to_string();
        push(&house, &inlet, "/stream/contacts?_sync", &json!([{"_user_id": id}])).await;
        assert_eq!(contact_data(&house, &inlet, &id).await, json!({"_user_id": id}));
    }
    house.stop().await;
}
