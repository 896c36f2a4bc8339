//! Delivering again: from a cursor, from a time, and what is refused.

use serde_json::json;

use super::{Scene, ids};
use crate::support::receiver::Receiver;

#[tokio::test]
async fn an_endpoint_goes_back_to_a_cursor_or_a_time() {
    let scene = Scene::set().await;
    scene.push(0..5).await;
    let stream = scene.stream(5).await;
    let receiver = Receiver::start().await;
    let (id, _) = scene.hook_to(&receiver).await;
    let replay = format!("/{id}/replay");
    let cursor = stream[1]["cursor"].as_str().unwrap();
    let back = scene.ask("POST", &replay, json!({ "after": cursor })).await;
    assert_eq!(
        (back.status, back.json()["entity"]["position"].as_str()),
        (202, Some(cursor)),
        "{}",
        back.text
    );
    let hits = receiver.until("what is behind it", |hits| hits.len() >= 3).await;
    assert_eq!(ids(&hits), [2, 3, 4]);
    let from = stream[0]["receivedAt"].as_str().unwrap();
    assert_eq!(scene.ask("POST", &replay, json!({ "from": from })).await.status, 202);
    let hits = receiver.until("everything", |hits| hits.len() >= 8).await;
    assert_eq!(ids(&hits[3..]), [0, 1, 2, 3, 4]);
    assert_eq!(hits[0].id, hits[5].id, "a message keeps its id");
    // One message goes out beside the order, and moves nothing.
    let before = scene.until(&id, "written down", |webhook| webhook["position"] != cursor).await;
    assert_eq!(scene.ask("POST", &replay, json!({ "message": hits[0].id })).await.status, 202);
    receiver.until("once more", |hits| hits.len() >= 9 && hits[8].id == hits[0].id).await;
    let after = scene.until(&id, "settled", |webhook| webhook["pending"] == 0).await;
    assert!(after["position"].as_str() >= before["position"].as_str());
    let audit = "select count(*) from audit where action = 'webhook.replay' and project_id is not null";
    assert_eq!(scene.house.number(audit).await, 3);
    scene.house.stop().await;
}

#[tokio::test]
async fn what_is_no_place_is_refused() {
    let scene = Scene::set().await;
    scene.push(0..1).await;
    let stream = scene.stream(1).await;
    let message = format!("msg_{}", stream[0]["cursor"].as_str().unwrap());
    let receiver = Receiver::start().await;
    let (id, _) = scene.hook(json!({ "url": receiver.url(), "types": ["refund"], "enabled": false })).await;
    let nowhere = tidegate::domain::cursor::Cursor { epoch: 1, tx: 5, id: 9 }.encode();
    for (body, status, code) in [
        (json!({}), 400, "invalid_body"),
        (json!({ "after": "x", "from": "y" }), 400, "invalid_body"),
        (json!({ "after": "x" }), 400, "invalid_cursor"),
        (json!({ "from": "yesterday" }), 400, "invalid_body"),
        (json!({ "message": "msg_x" }), 400, "invalid_body"),
        (json!({ "message": format!("msg_{nowhere}") }), 404, "message_not_found"),
        (json!({ "message": message }), 404, "message_not_found"),
        (json!({ "more": 1 }), 400, "invalid_body"),
    ] {
        let reply = scene.ask("POST", &format!("/{id}/replay"), body.clone()).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{body}: {}", reply.text);
    }
    assert_eq!(receiver.connections(), 0);
    scene.house.stop().await;
}
