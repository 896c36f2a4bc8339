//! Pages of the stream.

use serde_json::{Value, json};
use tidegate::{domain::cursor::Cursor, http::problem::Code};

use super::{Scene, names};
use crate::problem::check;

#[tokio::test]
async fn what_came_in_goes_out_once_in_one_order() {
    let scene = Scene::set().await;
    scene.push_contacts(&json!([{"_user_id": "ada", "_city": "Ulm", "_email": "ada@example.com"}])).await;
    scene
        .push_events(&json!([{
            "_user_id": "ada", "_event_id": "order-1", "_event_type": "own", "_event_date": "2026-11-20T12:00:00Z",
            "_event_parameters": {"n": 1.50, "text": "a\n\"b\""}
        }]))
        .await;
    scene.push_contacts(&json!([{"_user_id": "ada", "_city": null}])).await;
    let gone = scene.house.delete(&scene.inlet.token, &scene.inlet.path("/stream/contacts/ada")).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let items = scene.settled(4).await;
    assert_eq!(names(&items), ["contact.created", "order-1", "contact.updated", "contact.deleted"]);
    let event = &items[1];
    let members: Vec<&String> = event.as_object().unwrap().keys().collect();
    let expected = [
        "_event_date",
        "_event_id",
        "_user_id",
        "cursor",
        "datasource",
        "kind",
        "parameters",
        "receivedAt",
        "type",
    ];
    assert_eq!(members, expected);
    assert_eq!(
        (&event["kind"], &event["type"], &event["_user_id"], &event["datasource"], &event["_event_date"]),
        (
            &json!("event"),
            &json!("own"),
            &json!("ada"),
            &json!(scene.inlet.datasource),
            &json!("2026-11-20T12:00:00Z")
        )
    );
    assert_eq!(event["parameters"], json!({"n": 1.5, "text": "a\n\"b\""}));
    assert_eq!(
        items[0]["changed"],
        json!({"_city": {"from": null, "to": "Ulm"}, "_email": {"from": null, "to": "ada@example.com"}})
    );
    assert_eq!(items[2]["changed"], json!({"_city": {"from": "Ulm", "to": null}}));
    assert_eq!((&items[2]["kind"], &items[2]["_event_id"]), (&json!("contact"), &Value::Null));
    scene.house.stop().await;
}

#[tokio::test]
async fn every_size_of_page_gives_the_same_order() {
    let scene = Scene::set().await;
    for at in 0..7 {
        scene.push_numbered("own", at * 130..(at + 1) * 130).await;
    }
    let all = scene.settled(910).await;
    let mut cursors: Vec<Cursor> =
        all.iter().map(|item| Cursor::decode(item["cursor"].as_str().unwrap()).unwrap()).collect();
    assert!(cursors.is_sorted_by(|one, other| one < other));
    cursors.dedup();
    assert_eq!(cursors.len(), 910);
    for limit in [7, 100, 333, 1_000] {
        let (items, next) = scene.read(None, "", limit).await;
        assert!(items == all, "pages of {limit}");
        let (more, again) = scene.read(Some(&next), "", limit).await;
        assert!(more.is_empty() && Cursor::decode(&again).unwrap() >= Cursor::decode(&next).unwrap());
    }
    // From the middle of a lot on.
    let (rest, _) = scene.read(all[454]["cursor"].as_str(), "", 50).await;
    assert!(rest == all[455..]);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_receipt_stands_at_or_behind_what_it_acknowledges() {
    let scene = Scene::set().await;
    let mut receipts = Vec::new();
    for at in 0..5 {
        let event = json!({"_user_id": "u", "_event_id": at.to_string(), "_event_type": "own"});
        let receipt = scene.push_events(&json!([event])).await.json()["receipt"]["cursor"].clone();
        receipts.push(Cursor::decode(receipt.as_str().unwrap()).unwrap());
    }
    let again = json!([{"_user_id": "u", "_event_id": "0", "_event_type": "own"}]);
    let duplicate = scene.push_events(&again).await.json()["receipt"]["cursor"].clone();
    let items = scene.settled(5).await;
    for (item, receipt) in items.iter().zip(&receipts) {
        let place = Cursor::decode(item["cursor"].as_str().unwrap()).unwrap();
        assert!(place <= *receipt, "{place:?} {receipt:?}");
    }
    let first = Cursor::decode(items[0]["cursor"].as_str().unwrap()).unwrap();
    assert!(first <= Cursor::decode(duplicate.as_str().unwrap()).unwrap());
    // Behind its receipt there is nothing of the sender's.
    let (rest, _) = scene.read(Some(&receipts[4].encode()), "", 100).await;
    assert!(rest.is_empty());
    scene.house.stop().await;
}

#[tokio::test]
async fn a_page_comes_as_lines_too() {
    let scene = Scene::set().await;
    scene
        .push_events(&json!([
            {"_user_id": "u", "_event_id": "1", "_event_type": "own", "_event_parameters": {"text": "a\nb"}},
            {"_user_id": "u", "_event_id": "2", "_event_type": "own"},
        ]))
        .await;
    let raw = "[{\"_user_id\":\"u\",\"_event_id\":\"3\",\"_event_type\":\"own\",\"_event_parameters\":{\n \"a\" :\n1}}]";
    let reply = scene.house.post_bytes(&scene.inlet.token, &scene.inlet.path("/stream/events"), raw).await;
    assert_eq!(reply.status, 202);
    let all = scene.settled(3).await;
    let ask = |accept: &str| {
        let request = scene.house.request("GET", &scene.path("?limit=2"));
        crate::support::house::Reply::of(request.bearer_auth(&scene.reader).header("Accept", accept))
    };
    let lines = ask("application/json;q=0.5, application/x-ndjson").await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let items: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.text.ends_with('\n') && items == all[..2]);
    assert_eq!((lines.header("x-caught-up"), lines.header("vary")), ("false", "Accept"));
    let (rest, _) = scene.read(Some(lines.header("x-next-cursor")), "", 10).await;
    assert!(rest == all[2..]);
    assert_eq!(ask("*/*").await.header("content-type"), "application/json");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_bad_question_is_answered_with_its_rule() {
    let scene = Scene::set().await;
    for (query, word) in [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?type=", "type"),
        ("?type=a*b", "type"),
        ("?datasource=ds_0000000000000000000000", "datasource"),
        ("?from=yesterday", "from"),
    ] {
        let reply = scene.house.get(&scene.reader, &scene.path(query)).await;
        check(&reply, Code::InvalidParameter);
        assert!(reply.json()["detail"].as_str().unwrap().contains(word), "{}", reply.text);
    }
    check(&scene.house.get(&scene.reader, &scene.path("?after=noise")).await, Code::InvalidCursor);
    let (_, poor) = scene.house.product_token(None, &[tidegate::auth::scope::Scope::ProjectIngestRead]).await;
    check(&scene.house.get(&poor, &scene.path("")).await, Code::InsufficientScope);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_cursor_from_before_a_restore_is_answered_with_a_place_to_go_on_from() {
    let scene = Scene::set().await;
    scene.push_numbered("own", 0..3).await;
    let all = scene.settled(3).await;
    let old = Cursor::decode(all[0]["cursor"].as_str().unwrap()).unwrap();
    // As a restore renumbers.
    let moved = format!(
        "insert into epoch (n, system_identifier, timeline) select n + 20, system_identifier, timeline from epoch;
         update epoch set moved_to = n + 20 where n <= {0};
         update lot set epoch = epoch + 20",
        old.epoch
    );
    scene.house.sql(&moved).await;
    let reply = scene.house.get(&scene.reader, &scene.path(&format!("?after={}", old.encode()))).await;
    check(&reply, Code::CursorExpired);
    let restart = reply.json()["restart"].as_str().unwrap().to_owned();
    let (rest, _) = scene.read(Some(&restart), "", 10).await;
    assert_eq!(names(&rest), names(&all[1..]));
    scene.house.stop().await;
}
