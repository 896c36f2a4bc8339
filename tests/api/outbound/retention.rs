//! What is past its project's retention: gone from the stream at one moment, with a place to go on from.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::{
    domain::{cursor::Cursor, pattern::Patterns},
    http::problem::Code,
    store::{
        StoreError,
        outbound::{self, Wanted},
    },
};

use super::{Scene, names};
use crate::problem::check;

/// A scene with ten events in as many lots, of which the first six were received forty days ago.
async fn aged() -> (Scene, Vec<Value>) {
    let scene = Scene::set().await;
    for id in 0..10 {
        scene.push_numbered("own", id..id + 1).await;
    }
    let items = scene.settled(10).await;
    let sixth = Cursor::decode(items[5]["cursor"].as_str().unwrap()).unwrap();
    let age = format!(
        "update lot set received_at = received_at - interval '40 days' where tx <= '{}'::xid8",
        sixth.tx
    );
    scene.house.sql(&age).await;
    (scene, items)
}

async fn keep(scene: &Scene, days: i64) {
    let patch = serde_json::to_string(&days).unwrap();
    scene.house.sql(&format!("update project set retention_days = {patch}")).await;
    let mut client = scene.database.client().await;
    let now = tidegate::domain::clock::SystemClock::shared().now();
    tidegate::store::retention::raise(&mut client, None, now).await.unwrap();
}

#[tokio::test]
async fn the_stream_begins_behind_what_is_past() {
    let (scene, items) = aged().await;
    let cursors: Vec<&str> = items.iter().map(|item| item["cursor"].as_str().unwrap()).collect();
    keep(&scene, 41).await;
    let (behind, _) = scene.read(Some(cursors[0]), "", 3).await;
    assert_eq!(behind.len(), 9 - 5, "nothing is past, though the rows of aged lots are not found here");

    keep(&scene, 39).await;
    for (route, header) in [("", None), ("/live", None), ("/live", Some("last-event-id"))] {
        let query = header.map_or_else(|| format!("?after={}", cursors[0]), |_| String::new());
        let url = format!("{}{}", scene.house.base, scene.path(&format!("{route}{query}")));
        let mut request = scene.house.http.get(url).bearer_auth(&scene.reader);
        if let Some(header) = header {
            request = request.header(header, cursors[0]);
        }
        let reply = crate::support::house::Reply::of(request).await;
        check(&reply, Code::CursorExpired);
        assert_eq!(reply.json()["restart"], json!(cursors[5]), "{}", reply.text);
    }
    let (left, _) = scene.read(Some(cursors[5]), "", 3).await;
    assert_eq!(names(&left), ["6", "7", "8", "9"], "from the restart point on there is no gap");
    let (whole, _) = scene.read(None, "", 3).await;
    assert_eq!(names(&whole), ["6", "7", "8", "9"], "without a cursor it begins there");
    let (since, _) = scene.read(None, "&from=2020-01-01T00:00:00Z", 3).await;
    assert_eq!(names(&since), ["6", "7", "8", "9"], "and so does it at a time before");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_reader_whose_next_page_is_let_go_of_is_told() {
    let (scene, items) = aged().await;
    let pool = &scene.house.state.stream;
    let place = |item: &Value| Cursor::decode(item["cursor"].as_str().unwrap()).unwrap();
    let patterns = Patterns::default();
    let wanted = Wanted {
        project: 1,
        after: Some(place(&items[2])),
        patterns: &patterns,
        datasources: None,
        limit: 2,
    };
    outbound::page(pool, &wanted).await.unwrap();
    keep(&scene, 39).await;
    scene.house.sql("delete from lot where received_at < now() - interval '39 days'").await;
    let error = outbound::page(pool, &wanted).await.unwrap_err();
    assert!(matches!(error, StoreError::Expired(floor) if floor == place(&items[5])), "{error}");
    let all = Wanted { after: None, ..wanted };
    let page = outbound::page(pool, &all).await.unwrap();
    assert_eq!(page.items[0].cursor, place(&items[6]));
    let since = outbound::since(pool, 1, Timestamp::UNIX_EPOCH).await.unwrap();
    assert!(since >= place(&items[5]) && since < place(&items[6]), "{since:?}");
    scene.house.stop().await;
}
