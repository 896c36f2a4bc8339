//! Readers that want a part of the stream.

use serde_json::json;

use super::{Scene, names};

#[tokio::test]
async fn types_are_chosen_by_name_and_by_beginning() {
    let scene = Scene::set().await;
    scene.push_numbered("own_one", 0..3).await;
    scene.push_contacts(&json!([{"_user_id": "a"}, {"_user_id": "b"}])).await;
    scene.push_numbered("own_two", 3..5).await;
    scene.push_numbered("other%", 5..6).await;
    scene.settled(8).await;
    let read = async |filter: &str| {
        let (items, _) = scene.read(None, filter, 2).await;
        names(&items).join(" ")
    };
    assert_eq!(read("&type=own_one").await, "0 1 2");
    assert_eq!(read("&type=own_one&type=other%25").await, "0 1 2 5");
    assert_eq!(read("&type=own*").await, "0 1 2 3 4");
    assert_eq!(read("&type=own%25*").await, "", "a prefix is no pattern of SQL");
    assert_eq!(read("&type=contact.*&type=other*").await, "contact.created contact.created 5");
    assert_eq!(read("&type=*").await, "0 1 2 contact.created contact.created 3 4 5");
    assert_eq!(read("&type=nothing").await, "");
    scene.house.stop().await;
}

#[tokio::test]
async fn datasources_are_chosen_by_their_uid() {
    let scene = Scene::set().await;
    let second = scene.house.datasource(&scene.inlet.project, None, false, None).await;
    let foreign = scene.house.inlet().await;
    for round in 0..4 {
        for inlet in [&scene.inlet, &second, &foreign] {
            let event = json!([{"_user_id": "u", "_event_id": round.to_string(), "_event_type": "own"}]);
            let reply = scene.house.post(&inlet.token, &inlet.path("/stream/events"), &event).await;
            assert_eq!(reply.status, 202);
        }
    }
    scene.settled(8).await;
    let (own, other) = (&scene.inlet.datasource, &second.datasource);
    let (items, _) = scene.read(None, &format!("&datasource={other}"), 3).await;
    assert!(items.len() == 4 && items.iter().all(|item| item["datasource"] == json!(other)));
    let (items, _) = scene.read(None, "&datasource=dsapi", 3).await;
    assert!(items.len() == 4 && items.iter().all(|item| item["datasource"] == json!(own)));
    let (items, _) = scene.read(None, &format!("&datasource={own}&datasource={other}"), 3).await;
    assert_eq!(items.len(), 8);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_time_is_a_place_to_begin() {
    let scene = Scene::set().await;
    scene.push_numbered("own", 0..3).await;
    let all = scene.settled(3).await;
    // As if the first had come an hour and a half ago, the second an hour ago, and then a long time nothing.
    scene.push_numbered("own", 3..4).await;
    scene.settled(4).await;
    scene
        .house
        .sql("delete from event where event_id <> '3'; delete from lot where last_id - first_id > 0")
        .await;
    let received = all[0]["receivedAt"].as_str().unwrap();
    let (items, _) = scene.read(None, &format!("&from={received}"), 10).await;
    assert_eq!(names(&items), ["3"], "from before the oldest there is");
    scene.push_numbered("own", 4..8).await;
    let all = scene.settled(5).await;
    let received = all[1]["receivedAt"].as_str().unwrap();
    let (items, _) = scene.read(None, &format!("&from={received}"), 10).await;
    assert!(names(&items).ends_with(&["4", "5", "6", "7"]), "{items:?}");
    let (items, next) = scene.read(None, "&from=2999-01-01T00:00:00Z", 10).await;
    assert!(items.is_empty(), "nothing is from then on, and the place is now");
    scene.push_numbered("own", 8..9).await;
    scene.settled(6).await;
    assert_eq!(names(&scene.read(Some(&next), "", 10).await.0), ["8"]);
    assert_eq!(names(&scene.read(None, "&from=2000-01-01", 10).await.0), ["3", "4", "5", "6", "7", "8"]);
    scene.house.stop().await;
}
