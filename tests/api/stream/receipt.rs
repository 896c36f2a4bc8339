//! The receipt, and what stands in the log behind it.

use serde_json::json;
use tidegate::domain::cursor::Cursor;

use super::{contacts, event, events, house};
use crate::support::house::Reply;

fn cursor(reply: &Reply) -> Cursor {
    let answer = reply.json();
    assert_eq!(answer["receipt"]["durability"], "committed");
    Cursor::decode(answer["receipt"]["cursor"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn cursors_grow_and_stand_at_or_after_what_was_stored() {
    let (_database, house, inlet) = house().await;
    let mut last = None;
    for at in 0..10 {
        let reply = if at % 2 == 0 {
            events(&house, &inlet, &json!([event(&at.to_string(), &json!({}))])).await
        } else {
            contacts(&house, &inlet, &json!([{"_user_id": at.to_string()}])).await
        };
        let here = cursor(&reply);
        assert!(last < Some(here), "{last:?} {here:?}");
        let newest = house.number("select max(tx)::text::bigint from lot").await;
        let id = house.number("select last_id from lot order by tx desc limit 1").await;
        assert_eq!((here.tx, here.id), (newest.cast_unsigned(), id.cast_unsigned()));
        last = Some(here);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_retry_gets_a_position_at_or_after_the_first_one() {
    let (_database, house, inlet) = house().await;
    let batch = json!([event("e", &json!({}))]);
    let first = cursor(&events(&house, &inlet, &batch).await);
    for _ in 0..3 {
        assert!(cursor(&events(&house, &inlet, &batch).await) >= first);
    }
    house.stop().await;
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let (_database, house, inlet) = house().await;
    let people = json!([{"_user_id": "u", "_city": "Rome", "n": 1.50}]);
    let things = json!([event("e", &json!({"amount": 1}))]);
    contacts(&house, &inlet, &people).await;
    events(&house, &inlet, &things).await;
    let written = async || {
        let rows = "select (select count(*) from lot) * 1000 + (select count(*) from event) * 10 + (select count(*) from contact)";
        let version = "select sum(xmin::text::bigint)::bigint from contact";
        (house.number(rows).await, house.number(version).await)
    };
    let before = written().await;
    let respelled = json!([{"n": 1.5, "_city": "Rome", "_user_id": "u"}]);
    assert_eq!(contacts(&house, &inlet, &respelled).await.outcomes(), ["unchanged"]);
    assert_eq!(events(&house, &inlet, &things).await.outcomes(), ["duplicate"]);
    assert_eq!(house.delete(&inlet.token, &inlet.path("/stream/contacts/nobody")).await.status, 200);
    assert_eq!(written().await, before);
    house.stop().await;
}

#[tokio::test]
async fn changes_of_contacts_stand_in_the_log_of_the_same_transaction() {
    let (database, house, inlet) = house().await;
    contacts(&house, &inlet, &json!([{"_user_id": "u", "_city": "Rome"}])).await;
    contacts(&house, &inlet, &json!([{"_user_id": "u", "_city": "Turin"}])).await;
    let apart =
        "select count(*) from event e, contact c, lot l where e.xmin = c.xmin and l.tx::text = e.xmin::text
                 and e.id between l.first_id and l.last_id";
    assert_eq!(
        house.number(apart).await,
        1,
        "the last change is in the contact's own transaction and its lot"
    );
    house.delete(&inlet.token, &inlet.path("/stream/contacts/u")).await;
    let rows = database
        .client()
        .await
        .query(
            "select e.type, e.user_id, e.kind::text, e.parameters::text from event e
             join lot l on e.id between l.first_id and l.last_id order by l.tx, e.id",
            &[],
        )
        .await
        .unwrap();
    let log: Vec<(String, String, String, String)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let line =
        |kind: &str, changes: &str| (kind.to_owned(), "u".to_owned(), "c".to_owned(), changes.to_owned());
    assert_eq!(
        log,
        [
            line("contact.created", r#"{"_city":{"from":null,"to":"Rome"}}"#),
            line("contact.updated", r#"{"_city":{"from":"Rome","to":"Turin"}}"#),
            line("contact.deleted", "{}"),
        ]
    );
    house.stop().await;
}
