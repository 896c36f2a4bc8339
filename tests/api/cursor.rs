//! Cursors of requests: read, and held against the history of the database. No route takes one yet, so this asks the function
//! that such a route calls.

use serde_json::json;
use tidegate::{
    domain::cursor::Cursor,
    http::{
        cursor::cursor,
        problem::{Code, Problem},
    },
    store::outbound,
};

use super::manage::Manager;
use crate::support::{house::TestHouse, postgres::TestDatabase};

async fn refused(house: &TestHouse, text: &str) -> Problem {
    cursor(&house.state, 1, text).await.unwrap_err()
}

#[tokio::test]
async fn a_receipt_is_a_cursor_and_anything_else_is_refused() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let pushed = house.post(&inlet.token, &inlet.path("/stream/contacts"), &json!([{"_user_id": "u"}])).await;
    let text = pushed.json()["receipt"]["cursor"].as_str().unwrap().to_owned();
    let known = cursor(&house.state, 1, &text).await.unwrap();
    assert_eq!(known.encode(), text);

    let mut damaged = text.clone();
    damaged.replace_range(5..6, if &text[5..6] == "x" { "y" } else { "x" });
    let ahead = Cursor { tx: known.tx + 1_000_000_000, ..known }.encode();
    let elsewhere = Cursor { epoch: known.epoch + 1, ..known }.encode();
    for forged in ["", "noise", &text[1..], &damaged, &ahead, &elsewhere] {
        let problem = refused(&house, forged).await;
        assert_eq!((problem.code, problem.restart), (Code::InvalidCursor, None), "{forged}");
        assert!(
            problem.detail.starts_with("the cursor ") && !problem.detail.contains("epoch"),
            "{}",
            problem.detail
        );
    }
    house.stop().await;
}

#[tokio::test]
async fn a_cursor_from_before_a_restore_is_answered_with_the_place_to_go_on_from() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    house.inlet().await;
    let history = "update epoch set n = 30;
                   insert into epoch (n, system_identifier, timeline, moved_to) values (1, 1, 1, 20);
                   insert into epoch (n, system_identifier, timeline) values (20, 1, 1)";
    house.sql(history).await;
    let before = Cursor { epoch: 1, tx: 77, id: 5 };
    let problem = refused(&house, &before.encode()).await;
    let restart = Cursor { epoch: 20, ..before }.encode();
    assert_eq!((problem.code, problem.restart.as_deref()), (Code::CursorExpired, Some(restart.as_str())));
    assert!(cursor(&house.state, 1, &restart).await.is_ok(), "the restart point is a cursor");
    let document = serde_json::to_value(problem.document("id")).unwrap();
    assert_eq!((&document["status"], &document["restart"]), (&json!(410), &json!(restart)));

    let problem = refused(&house, &Cursor { epoch: 25, ..before }.encode()).await;
    assert_eq!((problem.code, &problem.restart), (Code::CursorExpired, &None));
    assert!(problem.detail.contains("without a cursor"), "{}", problem.detail);
    assert!(serde_json::to_value(problem.document("id")).unwrap().get("restart").is_none());
    house.stop().await;
}

#[tokio::test]
async fn a_store_that_fails_is_not_the_cursors_fault() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    house.sql("alter table epoch rename to elsewhere").await;
    let text = Cursor { epoch: 1, tx: 1, id: 1 }.encode();
    assert_eq!(refused(&house, &text).await.code, Code::Internal);
    house.stop().await;
}

#[tokio::test]
async fn a_cursor_from_before_the_retention_is_answered_with_where_the_stream_begins() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let mut cursors = Vec::new();
    for user in ["a", "b", "c"] {
        let batch = json!([{ "_user_id": user }]);
        let pushed = house.post(&inlet.token, &inlet.path("/stream/contacts"), &batch).await;
        cursors.push(pushed.json()["receipt"]["cursor"].as_str().unwrap().to_owned());
    }
    house.sql("update lot set received_at = received_at - interval '40 days' where tx < (select max(tx) from lot)").await;
    // A retention lets go of what is settled; other tests' transactions hold that up.
    let last = Cursor::decode(&cursors[2]).unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while outbound::head(&house.state.stream).await.unwrap() < last {
        assert!(tokio::time::Instant::now() < deadline, "it does not settle");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for kept in [json!(41), json!(null)] {
        assert_eq!(manager.ask(&house, "PATCH", "", json!({ "retentionDays": kept })).await.status, 200);
        assert!(cursor(&house.state, 1, &cursors[0]).await.is_ok(), "all of it is kept");
    }
    assert_eq!(manager.ask(&house, "PATCH", "", json!({ "retentionDays": 39 })).await.status, 200);
    let problem = refused(&house, &cursors[0]).await;
    assert_eq!((problem.code, problem.restart.as_ref()), (Code::CursorExpired, Some(&cursors[1])));
    assert!(problem.detail.contains("where its stream begins"), "{}", problem.detail);
    for later in &cursors[1..] {
        assert!(cursor(&house.state, 1, later).await.is_ok(), "at once, and the restart point is a cursor");
    }
    assert!(cursor(&house.state, 2, &cursors[0]).await.is_ok(), "another project keeps its own");
    // What is gone is gone.
    assert_eq!(manager.ask(&house, "PATCH", "", json!({ "retentionDays": null })).await.status, 200);
    assert_eq!(refused(&house, &cursors[0]).await.code, Code::CursorExpired);
    house.stop().await;
}
