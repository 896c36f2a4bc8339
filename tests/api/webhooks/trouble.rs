//! Receivers that fail: everything comes again, in order, until it is taken or given up.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tidegate::auth::scope::Scope;

use super::{Scene, brisk, ids};
use crate::support::receiver::{Answer, Hit, Receiver};

/// The order in which messages were first taken.
fn first_taken(hits: &[Hit]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let taken: Vec<Hit> = hits.iter().filter(|hit| hit.taken).cloned().collect();
    ids(&taken).into_iter().filter(|id| seen.insert(*id)).collect()
}

#[tokio::test]
async fn a_receiver_that_fails_is_down_and_comes_back_gets_everything_in_order() {
    let scene = Scene::set().await;
    let flaky = |number: usize, _: &Hit| match number * 7 % 10 {
        0 => Answer::Status(500),
        3 => Answer::HangUp,
        6 => Answer::Status(503),
        _ => Answer::Status(200),
    };
    let receiver = Receiver::answering(flaky).await;
    let (id, secret) = scene.hook_to(&receiver).await;
    scene.push(0..20).await;
    receiver.until("some", |hits| first_taken(hits).len() >= 10).await;
    // Down: nobody listens, and what comes meanwhile waits.
    receiver.stop();
    scene.push(20..40).await;
    scene.until(&id, "it fails", |webhook| webhook["state"] == "failing").await;
    let receiver = receiver.again(flaky).await;
    let hits = receiver.until("all", |hits| first_taken(hits).len() >= 40).await;
    assert_eq!(first_taken(&hits), (0..40).collect::<Vec<_>>(), "in the order of the stream");
    assert!(hits.iter().any(|hit| !hit.taken), "it has failed");
    for hit in &hits {
        assert_eq!(hit.signed_with(&secret), 1, "every attempt is signed by itself");
    }
    let distinct: BTreeSet<&str> = hits.iter().map(|hit| hit.id.as_str()).collect();
    assert_eq!(distinct.len(), 40, "a message keeps its id over its attempts");
    scene.until(&id, "it is well", |webhook| webhook["state"] == "active" && webhook["pending"] == 0).await;
    assert!(scene.list(&format!("/{id}/dead-letters")).await.is_empty());
    scene.house.stop().await;
}

#[tokio::test]
async fn a_message_that_is_never_taken_becomes_a_dead_letter_and_the_stream_goes_on() {
    let scene = Scene::with(tidegate::stream::webhooks::Options {
        schedule: "20ms,20ms".parse().unwrap(),
        ..brisk()
    })
    .await;
    let poison =
        |_: usize, hit: &Hit| Answer::Status(if hit.json()["data"]["_event_id"] == "1" { 422 } else { 200 });
    let receiver = Receiver::answering(poison).await;
    let (id, _) = scene.hook_to(&receiver).await;
    scene.push(0..4).await;
    let hits = receiver.until("the rest", |hits| first_taken(hits).len() >= 3).await;
    assert_eq!(ids(&hits), [0, 1, 1, 1, 2, 3]);
    let webhook = scene.until(&id, "buried", |webhook| webhook["deadLetters"] == 1).await;
    assert_eq!(webhook["pending"], 0);
    let letters = scene.list(&format!("/{id}/dead-letters")).await;
    let letter = &letters[0];
    assert_eq!(
        (&letter["attempts"], &letter["status"], &letter["type"]),
        (&json!(3), &json!(422), &json!("purchase"))
    );
    assert_eq!(letter["message"], hits[1].id.as_str());
    assert!(letter["error"].as_str().unwrap().contains("422"));
    let log = scene.list(&format!("/{id}/deliveries")).await;
    let attempts: Vec<&Value> =
        log.iter().filter(|one| one["message"] == hits[1].id.as_str()).map(|one| &one["attempt"]).collect();
    assert_eq!(attempts, [3, 2, 1]);

    // By hand once more, and it is taken.
    let receiver = receiver.again(|_, _| Answer::Status(200)).await;
    let again = scene.ask("POST", &format!("/{id}/replay"), json!({ "message": hits[1].id })).await;
    assert_eq!(again.status, 202, "{}", again.text);
    let hits = receiver.until("the dead letter", |hits| hits.len() >= 7).await;
    assert_eq!((hits[6].id.as_str(), hits[6].taken), (hits[1].id.as_str(), true));
    scene.until(&id, "delivered after all", |webhook| webhook["deadLetters"] == 0).await;
    scene.house.stop().await;
}

#[tokio::test]
async fn retry_after_is_heard_redirects_are_not_followed_and_silence_ends() {
    let scene =
        Scene::with(tidegate::stream::webhooks::Options { total: Duration::from_millis(500), ..brisk() })
            .await;
    let elsewhere = Receiver::start().await;
    let to: &'static str = Box::leak(format!("location: {}", elsewhere.url()).into_boxed_str());
    let receiver = Receiver::answering(move |number, _| match number {
        0 => Answer::With(429, "retry-after: 2"),
        1 => Answer::With(307, to),
        2 => Answer::Silence,
        _ => Answer::Status(200),
    })
    .await;
    let (id, _) = scene.hook_to(&receiver).await;
    scene.push(0..1).await;
    let hits = receiver.until("it", |hits| hits.iter().any(|hit| hit.taken)).await;
    assert_eq!(hits.len(), 4);
    assert!(hits[1].at - hits[0].at >= Duration::from_secs(2), "{:?}", hits[1].at - hits[0].at);
    assert_eq!(elsewhere.connections(), 0);
    let log = scene.until(&id, "written down", |webhook| {
        webhook["failures"] == 0 && !webhook["lastSuccessAt"].is_null()
    });
    log.await;
    let log = scene.list(&format!("/{id}/deliveries")).await;
    let told: Vec<(&Value, &str)> =
        log.iter().rev().map(|one| (&one["status"], one["error"].as_str().unwrap_or(""))).collect();
    assert_eq!((told[0].0, told[1].0, told[2].0), (&json!(429), &json!(307), &Value::Null));
    assert!(told[1].1.contains("redirects") && told[2].1.contains("did not answer within 0.5 s"), "{told:?}");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_disables_the_endpoint_which_goes_on_when_it_is_enabled() {
    let scene = Scene::set().await;
    let receiver = Receiver::answering(|number, _| Answer::Status(if number == 2 { 410 } else { 200 })).await;
    let (id, _) = scene.hook_to(&receiver).await;
    scene.push(0..6).await;
    let webhook = scene.until(&id, "disabled", |webhook| webhook["enabled"] == false).await;
    assert_eq!(webhook["state"], "unwanted");
    assert!(webhook["note"].as_str().unwrap().contains("410"));
    assert_eq!(receiver.hits().len(), 3);
    let enabled = scene.ask("PATCH", &format!("/{id}"), json!({ "enabled": true })).await;
    assert_eq!(enabled.json()["entity"]["note"], Value::Null);
    let hits = receiver.until("the rest", |hits| first_taken(hits).len() >= 6).await;
    assert_eq!(first_taken(&hits), (0..6).collect::<Vec<_>>());
    scene.house.stop().await;
}

#[tokio::test]
async fn parallel_deliveries_go_on_beside_one_that_fails() {
    let scene = Scene::with(tidegate::stream::webhooks::Options {
        schedule: "1s,40ms,40ms".parse().unwrap(),
        ..brisk()
    })
    .await;
    let first = AtomicBool::new(true);
    let receiver = Receiver::answering(move |_, hit| {
        let fails = hit.json()["data"]["_event_id"] == "0" && first.swap(false, Ordering::SeqCst);
        Answer::Status(if fails { 500 } else { 200 })
    })
    .await;
    let (id, _) = scene.hook(json!({ "url": receiver.url(), "parallel": 8 })).await;
    scene.push(0..30).await;
    let hits = receiver.until("all", |hits| first_taken(hits).len() >= 30).await;
    let order = first_taken(&hits);
    assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), (0..30).collect());
    assert_ne!(order[0], 0, "others have gone on: {order:?}");
    scene.until(&id, "nothing waits", |webhook| webhook["pending"] == 0).await;
    scene.house.stop().await;
}

#[tokio::test]
async fn what_is_erased_while_it_waits_behind_another_is_not_delivered() {
    const MARKER: &str = "zanzibar";
    let scene = Scene::set().await;
    let well = Arc::new(AtomicBool::new(false));
    let now_well = well.clone();
    let receiver = Receiver::answering(move |_, _| {
        if now_well.load(Ordering::SeqCst) {
            Answer::Status(200)
        } else {
            Answer::With(503, "retry-after: 1")
        }
    })
    .await;
    let (id, _) = scene.hook(json!({ "url": receiver.url(), "enabled": false })).await;
    scene.push(0..1).await;
    let contact = json!([{"_user_id": "ada", "_city": MARKER}]);
    scene.house.post(&scene.inlet.token, &scene.inlet.path("/stream/contacts"), &contact).await;
    scene.push(1..2).await;
    // All of it is there before anything is sent, so that it comes in one page.
    scene.stream(3).await;
    scene.ask("PATCH", &format!("/{id}"), json!({ "enabled": true })).await;
    receiver.until("the first, which is not taken", |hits| !hits.is_empty()).await;
    let erased =
        scene.house.delete(&scene.inlet.token, &scene.inlet.path("/stream/contacts/ada?_erase")).await;
    assert_eq!(erased.status, 200, "{}", erased.text);
    well.store(true, Ordering::SeqCst);
    let last = |hit: &Hit| hit.json()["data"]["_event_id"] == "1";
    let hits = receiver.until("what is behind it", |hits| hits.iter().any(last)).await;
    assert!(hits.iter().any(|hit| hit.json()["data"]["_user_id"] == "ada"), "its place comes");
    assert!(hits.iter().all(|hit| !hit.body.contains(MARKER)), "and its values do not");
    scene.house.stop().await;
}

#[tokio::test]
async fn what_waits_and_is_no_longer_kept_is_told_and_what_cannot_be_written_is_a_dead_letter() {
    let schedule = vec!["1s"; 30].join(",").parse().unwrap();
    let scene = Scene::with(tidegate::stream::webhooks::Options { schedule, ..brisk() }).await;
    let receiver = Receiver::answering(|_, _| Answer::Status(503)).await;
    // One that may not see contacts whole, so that what is kept of them is read before it is sent.
    let scopes = [Scope::ProjectManage, Scope::ProjectRead];
    let (_, key) = scene.house.product_token(Some(&scene.inlet.project), &scopes).await;
    let made = scene.ask_as(&key, "POST", "", json!({ "url": receiver.url() })).await.json();
    let id = made["id"].as_str().unwrap();
    let push = async |user: &str| {
        let contact = json!([{"_user_id": user, "_city": "Cadiz"}]);
        scene.house.post(&scene.inlet.token, &scene.inlet.path("/stream/contacts"), &contact).await;
        let waits = |hits: &[Hit]| hits.last().is_some_and(|hit| hit.json()["data"]["_user_id"] == user);
        receiver.until("one that is not taken", waits).await;
    };
    push("ada").await;
    scene.house.sql("delete from event").await;
    let webhook = scene.until(id, "told", |webhook| !webhook["skippedAt"].is_null()).await;
    assert_eq!((&webhook["pending"], &webhook["deadLetters"]), (&json!(0), &json!(0)));
    push("bob").await;
    scene.house.sql("update event set parameters = '7'").await;
    scene.until(id, "given up", |webhook| webhook["deadLetters"] == 1 && webhook["pending"] == 0).await;
    let letter = &scene.list(&format!("/{id}/dead-letters")).await[0];
    assert!(letter["error"].as_str().unwrap().contains("no JSON object"), "{letter}");
    scene.house.stop().await;
}

#[tokio::test]
async fn what_waits_goes_out_in_order_once_order_is_chosen() {
    let schedule = vec!["300ms"; 30].join(",").parse().unwrap();
    let scene = Scene::with(tidegate::stream::webhooks::Options { schedule, ..brisk() }).await;
    let well = Arc::new(AtomicBool::new(false));
    let now_well = well.clone();
    let receiver = Receiver::answering(move |_, hit| match hit.json()["data"]["_event_id"].as_str() {
        _ if now_well.load(Ordering::SeqCst) => Answer::Status(200),
        // The first is to wait for longest.
        Some("0") => Answer::With(503, "retry-after: 1"),
        _ => Answer::Status(503),
    })
    .await;
    let (id, _) = scene.hook(json!({ "url": receiver.url(), "parallel": 4 })).await;
    scene.push(0..4).await;
    let all = |hits: &[Hit]| ids(hits).into_iter().collect::<BTreeSet<_>>().len() == 4;
    receiver.until("all of them", all).await;
    scene.ask("PATCH", &format!("/{id}"), json!({ "parallel": 1 })).await;
    // The first again and again, with nothing between: it is the one that goes out.
    receiver.until("order", |hits| ids(hits).ends_with(&[0, 0])).await;
    well.store(true, Ordering::SeqCst);
    let hits = receiver.until("all", |hits| first_taken(hits).len() >= 4).await;
    assert_eq!(first_taken(&hits), [0, 1, 2, 3]);
    scene.house.stop().await;
}
