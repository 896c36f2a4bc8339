//! Several nodes on one database, and nodes that end: nothing is lost, and nothing comes twice but what was not written down.

use std::{collections::BTreeSet, time::Duration};

use super::{Scene, brisk, ids, node};
use crate::support::receiver::{Answer, Receiver};

#[tokio::test]
async fn two_nodes_share_endpoints_and_deliver_nothing_twice() {
    let scene = Scene::set().await;
    let other = node(&scene.database, brisk()).await;
    let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    for receiver in &receivers {
        scene.hook_to(receiver).await;
    }
    scene.push(0..60).await;
    for receiver in &receivers {
        receiver.until("all", |hits| hits.len() >= 60).await;
    }
    // Whatever would come twice comes before what comes later.
    scene.push(60..61).await;
    for receiver in &receivers {
        let hits = receiver.until("one more", |hits| hits.len() >= 61).await;
        assert_eq!(ids(&hits), (0..61).collect::<Vec<_>>());
    }
    let held = "select count(*) from webhook where node is not null and leased_until > now()";
    assert_eq!(scene.house.number(held).await, 3);
    until_shared(&scene, &[1, 2]).await;
    other.stop().await;
    until_shared(&scene, &[3]).await;
    scene.house.stop().await;
}

/// How many endpoints each node holds, fewest first.
async fn nodes(scene: &Scene) -> Vec<i64> {
    let each = "select count(*) from webhook where node is not null and leased_until > now() group by node order by 1";
    let rows = scene.database.client().await.query(each, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn until_shared(scene: &Scene, wanted: &[i64]) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while nodes(scene).await != wanted {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", nodes(scene).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_node_that_comes_later_takes_its_share_and_nothing_comes_twice() {
    let scene = Scene::set().await;
    let mut receivers = Vec::new();
    for _ in 0..4 {
        receivers.push(Receiver::start().await);
    }
    for receiver in &receivers {
        scene.hook_to(receiver).await;
    }
    until_shared(&scene, &[4]).await;
    scene.push(0..40).await;
    let later = node(&scene.database, brisk()).await;
    scene.push(40..80).await;
    until_shared(&scene, &[2, 2]).await;
    scene.push(80..90).await;
    for receiver in &receivers {
        let hits = receiver.until("all", |hits| hits.len() >= 90).await;
        assert_eq!(ids(&hits), (0..90).collect::<Vec<_>>());
    }
    later.stop().await;
    until_shared(&scene, &[4]).await;
    scene.house.stop().await;
}

#[tokio::test]
async fn a_node_that_ends_in_order_hands_over_without_a_repetition() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    scene.hook_to(&receiver).await;
    scene.push(0..30).await;
    receiver.until("some", |hits| hits.len() >= 5).await;
    let Scene { house, inlet, database, .. } = scene;
    house.stop().await;
    let free = "select count(*) from webhook where node is null";
    assert_eq!(database.client().await.query_one(free, &[]).await.unwrap().get::<_, i64>(0), 1);
    let next = node(&database, brisk()).await;
    super::push(&next, &inlet, "purchase", 30..40).await;
    let hits = receiver.until("all", |hits| hits.len() >= 40).await;
    assert_eq!(ids(&hits), (0..40).collect::<Vec<_>>());
    next.stop().await;
}

#[tokio::test]
async fn a_node_that_dies_is_replaced_when_its_time_is_up_and_nothing_is_lost() {
    let scene = Scene::set().await;
    let receiver = Receiver::answering(|_, hit| {
        // The one in the middle is never answered by the time its sender dies.
        if hit.json()["data"]["_event_id"] == "7" { Answer::Silence } else { Answer::Status(200) }
    })
    .await;
    let (id, secret) = scene.hook_to(&receiver).await;
    scene.push(0..15).await;
    receiver.until("the one in the middle", |hits| hits.len() >= 8).await;
    // As a kill -9 leaves it: another node's name stands there, and nobody renews.
    scene.house.sql(
        "update webhook set node = '00000000-0000-4000-8000-000000000001', leased_until = now() + interval '1 second'",
    )
    .await;
    let receiver = receiver.again(|_, _| Answer::Status(200)).await;
    let hits = receiver.until("all", |hits| {
        let taken: BTreeSet<&str> = hits.iter().filter(|hit| hit.taken).map(|hit| hit.id.as_str()).collect();
        taken.len() >= 15
    });
    let hits = hits.await;
    let taken: Vec<_> = hits.iter().filter(|hit| hit.taken).cloned().collect();
    let mut seen = BTreeSet::new();
    let order: Vec<usize> = ids(&taken).into_iter().filter(|id| seen.insert(*id)).collect();
    assert_eq!(order, (0..15).collect::<Vec<_>>());
    assert!(hits.iter().all(|hit| hit.signed_with(&secret) == 1));
    scene.until(&id, "well", |webhook| webhook["state"] == "active").await;
    scene.house.stop().await;
}

#[tokio::test]
async fn a_deleted_project_and_a_deleted_endpoint_are_quiet() {
    let scene = Scene::set().await;
    let (kept, gone) = (Receiver::start().await, Receiver::start().await);
    scene.hook_to(&kept).await;
    let (id, _) = scene.hook_to(&gone).await;
    scene.push(0..1).await;
    gone.until("it works", |hits| hits.len() == 1).await;
    assert_eq!(scene.ask("DELETE", &format!("/{id}"), serde_json::Value::Null).await.status, 200);
    assert_eq!(
        scene.ask("GET", &format!("/{id}"), serde_json::Value::Null).await.code(),
        "webhook_not_found"
    );
    scene.push(1..3).await;
    kept.until("the other", |hits| hits.len() == 3).await;
    assert_eq!(gone.hits().len(), 1);
    let project = format!("/v1/project/{}", scene.inlet.project);
    assert_eq!(scene.house.delete(&scene.manager, &project).await.status, 200);
    assert_eq!(scene.house.number("select count(*) from webhook").await, 0);
    tokio::time::timeout(Duration::from_secs(30), scene.house.stop()).await.unwrap();
    assert_eq!(kept.hits().len(), 3);
}
